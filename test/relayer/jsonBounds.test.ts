import { expect } from "chai";

import { isBounded } from "../../relayer/http/jsonBounds.ts";

const isFine = (text: string) => isBounded(Buffer.from(text));

describe("relayer/http/jsonBounds", () => {
  it("lets 64 levels pass and not one more", () => {
    expect(isFine("[".repeat(64) + "]".repeat(64))).to.equal(true);
    expect(isFine("[".repeat(65) + "]".repeat(65))).to.equal(false);
    expect(isFine('{"a":'.repeat(65))).to.equal(false);
  });

  it("counts levels, not brackets, and none within texts", () => {
    expect(isFine("[[]]".repeat(1_000))).to.equal(true);
    expect(isFine(JSON.stringify("[".repeat(1_000)))).to.equal(true);
    expect(isFine(JSON.stringify(`\\"${"[".repeat(1_000)}`))).to.equal(true);
    expect(isFine(`"\\\\"${"[".repeat(65)}`)).to.equal(false);
  });

  it("lets so many parts pass and not one more, and counts no comma within a text", () => {
    expect(isFine(`[${"0,".repeat(16_384)}0]`)).to.equal(true);
    expect(isFine(`[${"0,".repeat(16_385)}0]`)).to.equal(false);
    expect(isFine(JSON.stringify(",".repeat(20_000)))).to.equal(true);
  });
});
