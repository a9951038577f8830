import { expect } from "chai";
import { id } from "ethers";

import { auditorCases } from "../helpers/faults/auditorCases.ts";
import { asks, calls, FaultEndpoint } from "../helpers/faults/faultEndpoint.ts";
import { faultKinds } from "../helpers/faults/kinds.ts";
import { emptyCount, type FaultCase, runCase } from "../helpers/faults/matrix.ts";

const revokedAtBlock = id("revokedAtBlock(address,bytes32)").slice(0, 10);

describe("auditor: an endpoint that does not answer", () => {
  let cases: readonly FaultCase[];
  const named = (name: string) => cases.find((one) => one.name === `auditor: ${name}`)!;
  before(async () => {
    cases = await auditorCases();
  });

  it("makes no verdict better, and none worse: a slice of `npm run torture -- answers`", async () => {
    const count = emptyCount();
    // A prime, so that the slice meets each question and each kind of fault.
    for (const one of cases) await runCase(one, count, 1499);
    expect(count.missed).to.deep.equal([]);
    expect(count.cells).to.be.greaterThan(15);
    expect([count.right, count.silent].every((n) => n > 2)).to.equal(true);
  });

  it("cannot hide a revocation behind a limit, nor behind an empty answer", async () => {
    const revoked = named("a contract that was revoked");
    const endpoint = await FaultEndpoint.before(revoked.chain);
    const of = async () => [...(await revoked.ask(endpoint.url))].filter(([about]) => about.startsWith("call "));
    const truth = await of();
    expect(truth.map(([, fact]) => fact)).to.contain("fails AUDIT_CALL_REVOKED");
    for (const kind of ["429 in the body", "-32005 rate", "empty 0x", "reverted, without data", "pruned state"]) {
      endpoint.plan({ hits: calls(revokedAtBlock), kind: faultKinds[kind]! });
      const facts = (await of()).map(([, fact]) => fact);
      expect(endpoint.hits, kind).to.be.greaterThan(1);
      expect(facts, kind).to.contain("unproven AUDIT_CHAIN_SILENT").and.not.contain("fails AUDIT_CALL_REVOKED");
    }
    await endpoint.close();
  });

  it("is asked in another way where it takes no batches, or short ones", async () => {
    const honest = named("a call that is allowed");
    const endpoint = await FaultEndpoint.before(honest.chain);
    for (const batch of [1, 3]) {
      endpoint.plan(undefined, { batch });
      expect(honest.isTruth(await honest.ask(endpoint.url)), `batches of ${batch}`).to.equal(true);
      const lengths = new Set(endpoint.batches.slice(-5));
      expect(Math.max(...lengths), `the last batches`).to.be.at.most(batch);
    }
    await endpoint.close();
  });

  it("is not believed when it says that there is no code, if it runs some", async () => {
    const honest = named("all is well");
    const endpoint = await FaultEndpoint.before(honest.chain);
    endpoint.plan({ hits: asks("eth_getCode"), kind: faultKinds["empty 0x"]! });
    const facts = await honest.ask(endpoint.url);
    const contracts = [...facts].filter(([about]) => about.startsWith("contracts "));
    expect(new Set(contracts.map(([, fact]) => fact))).to.deep.equal(new Set(["unproven AUDIT_CHAIN_SILENT"]));
    await endpoint.close();
  });

  it("ends the audit when it is away for good, instead of asking each question by itself", async () => {
    const honest = named("all is well");
    const endpoint = await FaultEndpoint.before(honest.chain);
    let asked = 0;
    endpoint.plan({ hits: () => ++asked > 4, kind: { whole: "cut" } });
    const error = await honest.ask(endpoint.url).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.have.property("code", "ERR_UNAVAILABLE_CHAIN");
    await endpoint.close();
  });
});
