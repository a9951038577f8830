import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { differences, readExpectation } from "../../../scripts/check/cases/expectation.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

describe("scripts/check/cases", () => {
  const folder = tempFolders();
  const outcome = {
    code: 0,
    printed: "added 1 [ERR_X]",
    entries: [{ act: "pay", kind: "act", input: { cents: 5, to: "ada" } }],
    server: ["a"],
    client: ['{"id":1,"result":{}}'],
    status: 200,
    signatures: 2,
    a2a: "verifies",
  } as const;

  it("finds nothing where every member that is given is met", () => {
    const expected = {
      code: 0,
      error: "ERR_X",
      says: ["added 1"],
      saysNot: ["failed"],
      entries: [{ act: "pay", input: { cents: 5 } }],
      server: ["a"],
      client: [{ id: 1 }],
      status: 200,
      signatures: 2,
      a2a: "verifies" as const,
    };
    expect(differences(expected, outcome)).to.deep.equal([]);
  });

  const wrong = [
    { code: 1 },
    { error: "ERR_Y" },
    { says: ["added 2"] },
    { saysNot: ["added"] },
    { entries: [] },
    { entries: [{ act: "pay", input: { cents: 6 } }] },
    { entries: [{ act: "pay", output: null }] },
    { server: ["b"] },
    { server: [] },
    { client: ["{}"] },
    { client: [{ id: 2 }] },
    { status: 400 },
    { signatures: 1 },
  ];
  for (const expected of wrong) {
    it(`finds what is not ${JSON.stringify(expected)}`, () => {
      expect(differences(expected, outcome)).to.have.length(1);
    });
  }

  it("takes no expectation that expects nothing, or what it does not know", async () => {
    const file = join(await folder(), "x.expected.yaml");
    for (const text of ["", "{}", "[]", "codes: 0"]) {
      await writeFile(file, text);
      expect(() => readExpectation(file), text).to.throw("expectation");
    }
  });
});
