import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { againstRow, alternate, median, takeAgainst } from "../../../scripts/bench/against.ts";

describe("scripts/bench/against", () => {
  const folder = join(import.meta.dirname, "../../..");

  it("takes the folder out of the arguments, and leaves the others", () => {
    expect(takeAgainst(["--entries", "9", "--against", folder, "--minutes", "1"])).to.deep.equal({
      folder,
      rest: ["--entries", "9", "--minutes", "1"],
    });
    expect(takeAgainst(["--entries", "9"])).to.deep.equal({ folder: undefined, rest: ["--entries", "9"] });
  });

  it("refuses what is no build of this project", () => {
    const other = mkdtempSync(join(tmpdir(), "affiant-against-"));
    writeFileSync(join(other, "package.json"), '{"name":"other"}');
    for (const args of [["--against"], ["--against", other], ["--against", join(other, "none")]]) {
      expect(() => takeAgainst(args))
        .to.throw()
        .with.property("code", "ERR_INPUT_CONFIG");
    }
  });

  it("lets each go first every other time", async () => {
    const order: string[] = [];
    const measure = (name: string, value: number) => () => {
      order.push(name);
      return Promise.resolve(value);
    };
    const pairs = await alternate(3, measure("ours", 3), measure("theirs", 2));
    expect(order).to.deep.equal(["ours", "theirs", "theirs", "ours", "ours", "theirs"]);
    expect(pairs.ratios).to.deep.equal([1.5, 1.5, 1.5]);
  });

  it("takes the median", () => {
    expect(median([9, 1, 5])).to.equal(5);
    expect(median([4, 1, 2, 9])).to.equal(3);
    expect(() => median([])).to.throw(RangeError);
  });

  it("shows no bar where nothing was compared", () => {
    const row = againstRow("CPU", undefined, 1.05);
    expect(row.value).to.equal(null);
    expect(row).not.to.have.property("target");
    const compared = againstRow("CPU", { ours: [2], theirs: [1], ratios: [2] }, 1.05);
    expect(compared).to.include({ value: 2, target: 1.05 });
  });
});
