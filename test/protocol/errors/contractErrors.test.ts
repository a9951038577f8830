import { readdirSync } from "node:fs";

import { expect } from "chai";

import { errorCodes } from "../../../protocol/errors/codes.ts";
import { codeOfContractError, contractErrors } from "../../../protocol/errors/contractErrors.ts";

const folder = new URL("../../../protocol/generated/abi/", import.meta.url);

async function errorsOfAllContracts(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const file of readdirSync(folder)) {
    const [abi] = Object.values((await import(new URL(file, folder).href)) as Record<string, unknown>);
    for (const item of abi as { type: string; name?: string }[]) {
      if (item.type === "error" && item.name !== undefined) found.set(item.name, file);
    }
  }
  return found;
}

describe("protocol/errors: the contracts' custom errors", () => {
  it("each have a code", async () => {
    const errors = await errorsOfAllContracts();
    expect(errors.size).to.be.greaterThan(40);
    for (const [name, file] of errors) expect(codeOfContractError(name), `${name} in ${file}`).to.be.a("string");
  });

  it("are all there: the table names none that no contract throws", async () => {
    const errors = await errorsOfAllContracts();
    expect(Object.keys(contractErrors).filter((name) => !errors.has(name))).to.deep.equal([]);
  });

  it("become codes that exist", () => {
    for (const code of Object.values(contractErrors)) expect(errorCodes).to.have.property(code);
  });

  it("are none of the properties that every object has", () => {
    expect(codeOfContractError("constructor")).to.be.undefined;
    expect(codeOfContractError("NoSuchError")).to.be.undefined;
  });
});
