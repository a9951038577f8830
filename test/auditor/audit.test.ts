import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import { auditExitCode } from "../../auditor/exitCode.ts";
import type { AuditReport } from "../../auditor/report/auditReport.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { chainOf, honestWorld, seed, type World } from "./world.ts";

function auditOf({ evidence, state }: World, withChain = true): Promise<AuditReport> {
  return auditEvidence(utf8(writeEvidence(evidence)), withChain ? { chain: chainOf(state) } : {});
}

/** An order's first two charges are fine; the default world's third breaks a rule. */
const obedient = { 3: { values: { input: { amount: 1, order: "order-2" } } } };

describe("audit of honest evidence", () => {
  it("proves all of it with a chain", async () => {
    const report = await auditOf(honestWorld(obedient));
    expect(report.verdicts.filter(({ outcome }) => outcome !== "holds")).to.deep.equal([]);
    expect(report.summary).to.deep.include({ integrityHolds: true, fullyProven: true, conformityHolds: true });
    expect(report.summary.verdicts).to.deep.equal({ holds: 71, fails: 0, unproven: 0 });
    expect(auditExitCode(report)).to.equal(0);
  });

  it("bounds each act by its block and the first anchor that covers it", async () => {
    const { verdicts, agents } = await auditOf(honestWorld());
    const bounds = verdicts.filter(({ check }) => check === "not-after").map(({ detail }) => detail);
    expect(bounds).to.deep.equal([30, 30, 40, 40, 40].map((block) => `Done by block ${block}.`));
    expect(agents.map(({ notBeforeBlock, notAfterBlock }) => [notBeforeBlock, notAfterBlock])).to.deep.equal([
      [20, 40],
      [20, 40],
    ]);
  });

  it("says what stays unproven without a chain, and fails nothing", async () => {
    const report = await auditOf(honestWorld(obedient), false);
    const open = report.summary.checks.filter(({ unproven }) => unproven > 0).map(({ check }) => check);
    const asked = ["chain", "log", "operator", "anchor", "not-before", "not-after", "signing-key", "policy-in-force"];
    expect(open).to.deep.equal(asked);
    expect(report.summary).to.deep.include({ integrityHolds: true, fullyProven: false, conformityHolds: true });
    expect(auditExitCode(report)).to.equal(3);
  });

  it("reports an act that breaks a rule and leaves the evidence sound", async () => {
    const report = await auditOf(honestWorld({ 2: { values: { input: { amount: 101, order: "order-1" } } } }));
    expect(report.summary).to.deep.include({ integrityHolds: true, fullyProven: true, conformityHolds: false });
    const [limit, twice] = report.conformity.violated;
    expect(limit?.findings.map(({ seq, detail }) => [seq, detail])).to.deep.equal([[1, "amount = 101"]]);
    expect(twice?.findings.map(({ seq, detail }) => [seq, detail])).to.deep.equal([[2, "charges = 3"]]);
    expect(auditExitCode(report)).to.equal(4);
  });

  it("believes a note key that the log has changed since, for what is anchored only", async () => {
    const world = honestWorld(obedient);
    const log = world.state.logs[world.evidence.header.logId]!;
    world.state.logs[world.evidence.header.logId] = { ...log, noteKeys: [...log.noteKeys, toHex(seed("newer key"))] };
    expect((await auditOf(world)).summary.fullyProven).to.equal(true);

    const checkpoint = { ...world.evidence.checkpoint, anchorIndex: null };
    const { verdicts } = await auditOf({ ...world, evidence: { ...world.evidence, checkpoint } });
    expect(verdicts.find(({ check }) => check === "log")).to.deep.include({
      code: "AUDIT_LOG_KEY",
      expected: toHex(seed("newer key")),
      found: log.noteKeys[0],
    });
  });

  it("believes what is anchored although the log was convicted, and names who lied about which part of it", async () => {
    const world = honestWorld(obedient);
    const log = world.state.logs[world.evidence.header.logId]!;
    const former = toHex(seed("former operator").slice(0, 20));
    world.state.logs[world.evidence.header.logId] = {
      ...log,
      operators: [former, ...log.operators],
      handoverSizes: [0, 3],
      equivocationCount: 2,
      equivocations: [{ signers: [{ operator: former, size: 2 }], blockNumber: 45 }],
    };
    const report = await auditOf(world);
    expect(report.summary.fullyProven).to.equal(true);
    const { outcome, detail } = report.verdicts.find(({ check }) => check === "equivocation")!;
    expect(outcome).to.equal("holds");
    expect(detail).to.include("convicted 2 times").and.to.include(`${former}, operator from entry 0 until entry 3`);
  });

  it("takes an anchor without record from the event of its block, and its block as the bound", async () => {
    const world = honestWorld(obedient);
    const { logId } = world.evidence.header;
    const [first, last] = world.state.anchors[logId]!;
    const state = { ...world.state, anchors: { [logId]: [first!] }, advances: { [logId]: [last!] } };
    const checkpoint = { ...world.evidence.checkpoint, anchorIndex: null, anchorBlock: 40 };
    const report = await auditOf({ ...world, state, evidence: { ...world.evidence, checkpoint } });
    expect(report.summary.fullyProven).to.equal(true);
    const bounds = report.verdicts.filter(({ check }) => check === "not-after").map(({ detail }) => detail);
    expect(new Set(bounds)).to.deep.equal(new Set(["Done by block 30.", "Done by block 40."]));
    // Somebody may make a record of it later: the file stays true.
    state.anchors[logId] = [first!, last!];
    expect(
      (await auditOf({ ...world, state, evidence: { ...world.evidence, checkpoint } })).summary.fullyProven,
    ).to.equal(true);
  });

  it("names withheld disclosures and leaves the rules that need them undecided", async () => {
    const { evidence, state } = honestWorld(obedient);
    const entries = evidence.entries.map((entry, i) => (i === 0 ? { ...entry, disclosures: [] } : entry));
    const report = await auditOf({ ...honestWorld(), evidence: { ...evidence, entries }, state });
    const verdict = report.verdicts.find(({ check }) => check === "disclosures");
    expect(verdict?.detail).to.equal("Disclosed: nothing; withheld: 2 of 2.");
    // Which order it was is withheld too, so the agent's later charges may be of that order.
    expect(report.conformity.undecided.map(({ ruleId }) => ruleId)).to.have.members(["amount-limit", "one-charge"]);
    expect(auditExitCode(report)).to.equal(5);
    expect(report.summary.integrityHolds).to.equal(true);
  });

  it("judges no refusal as an act", async () => {
    const report = await auditOf(
      honestWorld({
        ...obedient,
        0: { values: { input: { amount: 900 }, output: { refused: "ERR_AUTH_POLICY" } }, claims: { kind: "refusal" } },
      }),
    );
    expect(report.conformity).to.deep.include({ judged: 4, notActs: 1, violate: 0 });
  });

  it("ends in one verdict for a file that is no evidence", async () => {
    const report = await auditEvidence(utf8('{"type":"note"}\n'));
    expect(report.verdicts).to.have.length(1);
    expect(report.verdicts[0]).to.deep.include({
      code: "AUDIT_EVIDENCE_UNREADABLE",
      outcome: "fails",
      subject: { line: 1 },
    });
    expect(report.summary).to.deep.include({ integrityHolds: false, conformityHolds: false });
    expect(auditExitCode(report)).to.equal(1);
  });
});
