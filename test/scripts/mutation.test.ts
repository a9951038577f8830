import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Compiler } from "../../scripts/mutation/compiler.ts";
import { isExplained, readExplanations, staleExplanations } from "../../scripts/mutation/explained.ts";
import type { Mutant } from "../../scripts/mutation/mutants/mutant.ts";
import { mutantsOf } from "../../scripts/mutation/mutants/mutantsOf.ts";
import { summarize } from "../../scripts/mutation/report.ts";
import { deployingByName } from "../../scripts/mutation/run/workFolder.ts";
import { runMutants } from "../../scripts/mutation/runMutants.ts";
import { sampleOf } from "../../scripts/mutation/sample.ts";
import type { Subject } from "../../scripts/mutation/subjects.ts";

const root = join(import.meta.dirname, "../..");

const counter = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
contract Counter {
    error TooMany(uint256 got);
    uint256 public count;
    function add(uint256 more) external {
        if (more > 9) revert TooMany(more); // „nine“
        count += more;
        if (false && count > 1e9) count = 0;
        more;
    }
}
`;

/** It says nothing of where the limit lies. */
const test = `
import { strict as assert } from "node:assert";
import { network } from "hardhat";
const { ethers } = await network.create();
describe("Counter", () => {
  it("adds", async () => {
    const counter = await ethers.deployContract("Counter");
    await counter.getFunction("add")(5);
    await counter.getFunction("add")(2);
    assert.equal(await counter.getFunction("count")(), 7n);
  });
  it("refuses far too many", async () => {
    const counter = await ethers.deployContract("Counter");
    await assert.rejects(counter.getFunction("add")(100));
  });
});
`;

const config = `
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { createRequire } from "node:module";
import { defineConfig } from "hardhat/config";
const path = createRequire(import.meta.url).resolve("solc/soljson.js");
export default defineConfig({
  plugins: [toolbox],
  paths: { tests: { solidity: "./test/contracts", mocha: "./test" } },
  solidity: { compilers: [{ version: "0.8.37", path, settings: { optimizer: { enabled: true } } }] },
});
`;

const subject: Subject = {
  name: "Counter",
  entries: ["contracts/Counter.sol"],
  sources: ["contracts/Counter.sol"],
  tests: [{ runner: "mocha", files: ["test/contracts/Counter.test.ts"] }],
  support: [],
};

describe("scripts/mutation", () => {
  let folder: string;
  let mutants: readonly Mutant[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affiant-mutated-"));
    await mkdir(join(folder, "contracts"));
    await mkdir(join(folder, "test/contracts"), { recursive: true });
    await writeFile(join(folder, "contracts/Counter.sol"), counter);
    await writeFile(join(folder, "test/contracts/Counter.test.ts"), test);
    await writeFile(join(folder, "hardhat.config.ts"), config);
    await writeFile(join(folder, "package.json"), `{ "type": "module" }`);
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    mutants = await mutantsIn(counter);
  });
  after(() => rm(folder, { recursive: true }));

  async function mutantsIn(text: string): Promise<readonly Mutant[]> {
    const file = "contracts/Counter.sol";
    await writeFile(join(folder, file), text);
    const ast = new Compiler(folder).asts([file]).get(file);
    return mutantsOf(file, text, ast!);
  }
  const changesOf = async (body: string): Promise<readonly string[]> => {
    const contract = `contract C { uint256 a; event E(uint256 b); modifier m() { _; } function f(uint256 b) m external { ${body} } }`;
    const all = await mutantsIn(`pragma solidity ^0.8.28;\n${contract}\n`);
    await writeFile(join(folder, "contracts/Counter.sol"), counter);
    const from = contract.indexOf(body);
    return all.flatMap(({ change }) => {
      const open = change.indexOf("⟦");
      return open < from ? [] : [change.slice(open + 1, change.indexOf("⟧"))];
    });
  };

  it("makes each change of operators, conditions, statements, modifiers and literals, and no other", () => {
    expect(mutants.map(({ line, kind, place, change }) => `${line} ${kind} ${place} ${change}`)).to.deep.equal([
      "7 condition Counter.add if (⟦more > 9 → true⟧) revert TooMany(more); // „nine“",
      "7 condition Counter.add if (⟦more > 9 → false⟧) revert TooMany(more); // „nine“",
      "7 comparison Counter.add if (more ⟦> → >=⟧ 9) revert TooMany(more); // „nine“",
      "7 comparison Counter.add if (more ⟦> → <=⟧ 9) revert TooMany(more); // „nine“",
      "7 literal Counter.add if (more > ⟦9 → 10⟧) revert TooMany(more); // „nine“",
      "8 statement Counter.add ⟦count += more; → {}⟧",
      "8 arithmetic Counter.add count ⟦+= → -=⟧ more;",
      "9 literal Counter.add if (⟦false → true⟧ && count > 1e9) count = 0;",
      "9 condition Counter.add if (⟦false && count > 1e9 → true⟧) count = 0;",
      "9 condition Counter.add if (⟦false && count > 1e9 → false⟧) count = 0;",
      "9 logic Counter.add if (false ⟦&& → ||⟧ count > 1e9) count = 0;",
      "9 comparison Counter.add if (false && count ⟦> → >=⟧ 1e9) count = 0;",
      "9 comparison Counter.add if (false && count ⟦> → <=⟧ 1e9) count = 0;",
      "9 statement Counter.add if (false && count > 1e9) ⟦count = 0; → {}⟧",
      "9 literal Counter.add if (false && count > 1e9) count = ⟦0 → 1⟧;",
      "10 statement Counter.add ⟦more; → {}⟧",
    ]);
    expect(mutants[6]?.text).to.equal(counter.replace("+=", "-="));
  });

  it("goes into every form of statement, and into assembly", async () => {
    expect(await changesOf("emit E(b << 0x0f);")).to.deep.equal(["emit E(b << 0x0f); → {}", "<< → >>", "0x0f → 0x10"]);
    expect(await changesOf("require(b != 1 days);")).to.deep.equal([
      "require(b != 1 days); → {}",
      "b != 1 days → true",
      "b != 1 days → false",
      "!= → ==",
      "1 days → 2 days",
    ]);
    expect(await changesOf("for (uint256 i; i /* < */ < b; i++) { a; }")).to.deep.equal([
      "i /* < */ < b → false",
      "< → <=",
      "< → >=",
      "++ → --",
      "a; → {}",
    ]);
    expect(await changesOf("assembly { if eq(b, 7) { sstore(0, add(b, 1)) } }")).to.deep.equal([
      "eq(b, 7) → 1",
      "eq(b, 7) → 0",
      "eq(b, 7) → iszero(eq(b, 7))",
      "7 → 8",
      "sstore(0, add(b, 1)) → ∅",
      "0 → 1",
      "add → sub",
      "1 → 2",
    ]);
  });

  it("removes modifiers, and leaves what is only declared as it is", async () => {
    const text = `pragma solidity ^0.8.28;
      interface I { function f(uint256[3] memory a) external; }
      contract C { modifier m() { _; } uint256[2] a; function f() external m {} }`;
    const all = await mutantsIn(text);
    await writeFile(join(folder, "contracts/Counter.sol"), counter);
    expect(all.map(({ change }) => change)).to.deep.equal([
      "contract C { modifier m() { _; } uint256[2] a; function f() external ⟦m → ∅⟧ {} }",
    ]);
  });

  it("leaves in place what comes to the same", async () => {
    const withReturn = (body: string) => `if (b > 1) revert(); } function g() public returns (bool) { ${body}`;
    const deletions = async (body: string) =>
      (await changesOf(withReturn(body))).filter((change) => /^return/.test(change));
    expect(await deletions("return false;")).to.deep.equal([]);
    expect(await deletions("return true;")).to.deep.equal(["return true; → {}"]);
    expect(await deletions("if (a == 1) return false; return true;")).to.deep.equal([
      "return false; → {}",
      "return true; → {}",
    ]);
    expect((await changesOf(withReturn("return false;")))[0]).to.equal("b > 1 → true");
  });

  it("calls killed what a test notices, a survivor what none does, and equivalent what is the same code", async () => {
    const chosen = ["⟦> → >=⟧ 9", "⟦+= → -=⟧", "⟦9 → 10⟧", "⟦false → true⟧ &&", "⟦more; → {}⟧", "⟦more > 9 → false⟧"];
    const wanted = chosen.map((part) => mutants.find(({ change }) => change.includes(part))!);
    const broken = { ...wanted[0]!, text: counter.replace("count +=", "uncount +=") };
    const results = await runMutants({ root: folder, subject, mutants: [...wanted, broken], jobs: 1 });
    expect(results.map(({ mutant }) => mutant)).to.deep.equal([...wanted, broken]);
    expect(results.map(({ outcome }) => (outcome.kind === "killed" ? outcome.by : outcome.kind))).to.deep.equal([
      "survived",
      "Counter adds",
      "survived",
      "survived",
      "equivalent",
      "Counter refuses far too many",
      "notCompiled",
    ]);
    const explained = readExplanations("- `Counter.add`: `if (more ⟦> → >=⟧ 9) revert TooMany(more); // „nine“`\n");
    expect(summarize("Counter", mutants.length, results, explained)).to.deep.equal({
      contract: "Counter",
      mutants: 16,
      taken: 7,
      killed: 2,
      timedOut: 0,
      survived: 3,
      explained: 1,
      equivalent: 1,
      duplicate: 0,
      notCompiled: 1,
      score: 40,
    });
  });

  it("refuses to judge by tests that fail without any mutation", async () => {
    const path = join(folder, "test/contracts/Counter.test.ts");
    await writeFile(path, test.replace("7n", "8n"));
    const run = runMutants({ root: folder, subject, mutants: mutants.slice(0, 1), jobs: 1 });
    const failure = await run.then(
      () => "",
      (error: Error) => error.message,
    );
    await writeFile(path, test);
    expect(failure).to.include("Counter fails without any mutation");
  });

  it("draws the same sample for the same seed, and a larger one around it", () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const sample = sampleOf(items, 10, 3);
    expect(sampleOf(items, 10, 3)).to.deep.equal(sample);
    expect(sampleOf(items, 10, 4)).to.not.deep.equal(sample);
    expect(sampleOf(items, 20, 3)).to.include.members([...sample]);
    expect(new Set(sample).size).to.equal(10);
  });

  it("finds explanations that no longer explain anything", () => {
    const known = readExplanations(
      "# C\n\n- `Counter.add`: `count ⟦+= → -=⟧ more;`\n  Why not.\n- `Counter.add`: `⟦gone → {}⟧`\n",
    );
    expect(mutants.filter((mutant) => isExplained(mutant, known)).map(({ line }) => line)).to.deep.equal([8]);
    expect(staleExplanations(known, mutants)).to.deep.equal([{ place: "Counter.add", change: "⟦gone → {}⟧" }]);
    expect(staleExplanations([{ place: "Other.f", change: "⟦a → b⟧" }], mutants)).to.deep.equal([]);
  });

  it("lets Solidity tests deploy by name what is mutated, and nothing else", () => {
    const text =
      "a = new Counter(); b = new Stub(); c = address(new Counter(b, f(new Counter()))); d = new Counter[](1);";
    expect(deployingByName(text, new Set(["Counter"]))).to.equal(
      'a = Counter(deployedByName("Counter", "")); b = new Stub(); ' +
        'c = address(Counter(deployedByName("Counter", abi.encode(b, f(Counter(deployedByName("Counter", ""))))))); ' +
        "d = new Counter[](1);",
    );
  });
});
