import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

const cli = join(import.meta.dirname, "../../cli/affiant.js");

describe("affiant contract", () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);

  async function affiant(...args: string[]): Promise<{ code: number; data: Record<string, unknown>; error: string }> {
    const run = promisify(execFile)(process.execPath, [cli, ...args, "--json", "--data", folder]);
    const { code, stdout, stderr } = await run.then(
      (done) => ({ code: 0, ...done }),
      (failed: { code: number; stdout: string; stderr: string }) => failed,
    );
    return { code, data: stdout ? (JSON.parse(stdout) as Record<string, unknown>) : {}, error: stderr };
  }
  const signingKeyOf = async (name: string): Promise<string> =>
    (await affiant("agent", "create", name, "--chain-id", "31337")).data["signingKey"] as string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "affiant-contract-"));
    await signingKeyOf("payment");
    const [order, clerk] = [await signingKeyOf("order"), await signingKeyOf("clerk")];
    const scope = ["--scope", "payment:charge:max_10000usd"];
    expect(
      (await affiant("contract", "issue", "--agent", "payment", "--to", order, ...scope, "--out", at("a.json"))).code,
    ).to.equal(0);
    const under = ["--under", at("a.json"), "--out", at("b.json")];
    const passedOn = ["contract", "issue", "--agent", "order", "--to", clerk, "--scope", "payment:charge", ...under];
    expect((await affiant(...passedOn)).code).to.equal(0);
  });

  after(() => rmSync(folder, { recursive: true }));

  it("passes a right on, and shows the whole chain", async () => {
    const { data } = await affiant("contract", "show", at("b.json"));
    const [first, second] = data as unknown as Record<string, unknown>[];
    expect(first).to.deep.include({ scope: "payment:charge:max_10000usd" });
    expect(second).to.deep.include({
      scope: "payment:charge",
      issuer: first?.["audience"],
      subject: first?.["issuer"],
    });
  });

  it("finds a good contract good", async () => {
    const { code, data } = await affiant("contract", "verify", at("b.json"), "--owner", "payment", "--offline");
    expect({ code, ...data }).to.deep.include({ code: 0, holds: true, revocation: null });
  });

  it("finds a chain without its first link bad, and says which link", async () => {
    const file = JSON.parse(readFileSync(at("b.json"), "utf8")) as { contracts: string[] };
    writeFileSync(at("cut.json"), JSON.stringify({ ...file, contracts: file.contracts.slice(1) }));
    const { code, data } = await affiant("contract", "verify", at("cut.json"), "--owner", "payment", "--offline");
    expect(code).to.equal(1);
    expect((data["faults"] as unknown[])[0]).to.deep.include({ link: 0, code: "ERR_AUTH_CONTRACT_CHAIN" });
  });

  it("finds a contract bad that is about somebody else's right than was said", async () => {
    const { code, data } = await affiant("contract", "verify", at("a.json"), "--owner", "order", "--offline");
    expect(code).to.equal(1);
    expect((data["faults"] as unknown[])[0]).to.deep.include({ link: 0, code: "ERR_AUTH_CONTRACT_CHAIN" });
  });

  it("does not verify a contract without being told whose right it is", async () => {
    expect((await affiant("contract", "verify", at("a.json"), "--offline")).code).to.equal(2);
  });

  const wrong: readonly (readonly [string, () => string[], string])[] = [
    ["a file that is not there", () => ["contract", "show", at("none.json")], "ERR_INPUT_FILE"],
    [
      "a contract that is there already",
      () => issue("--scope", "payment:charge", "--out", at("a.json")),
      "ERR_INPUT_FILE",
    ],
    [
      "a scope that is none",
      () => issue("--scope", "payment:charge:max_many", "--out", at("c.json")),
      "ERR_INPUT_UCAN",
    ],
    [
      "a time that is none",
      () => issue("--scope", "payment:charge", "--expires", "soon", "--out", at("c.json")),
      "ERR_INPUT_CONFIG",
    ],
    [
      "somebody else's contract to pass on",
      () => issue("--scope", "payment:charge", "--under", at("b.json"), "--out", at("c.json")),
      "ERR_INPUT_UCAN",
    ],
  ];
  const issue = (...more: string[]): string[] => {
    const to = "did:key:z6Mkj9qVGpBdDfjPd8Sd8qdRz14Xx1g4TTqy57yBx33iFG4S";
    return ["contract", "issue", "--agent", "payment", "--to", to, ...more];
  };
  for (const [what, args, code] of wrong) {
    it(`refuses ${what}`, async () => {
      const refused = await affiant(...args());
      expect(refused.code).to.equal(2);
      expect(JSON.parse(refused.error)).to.have.property("code", code);
    });
  }
});
