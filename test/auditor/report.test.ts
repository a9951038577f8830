import { stripVTControlCharacters } from "node:util";

import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import type { AuditReport } from "../../auditor/report/auditReport.ts";
import { formatAuditReport } from "../../auditor/report/formatAuditReport.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";
import { chainOf, chargePolicy, honestWorld, type World } from "./world.ts";

const auditOf = ({ evidence, state }: World): Promise<AuditReport> =>
  auditEvidence(utf8(writeEvidence(evidence)), { chain: chainOf(state) });

/** The default world with another policy for the payment agent. */
function worldUnder(policy: PolicyBundle): World {
  const claims = { policy: policyHashOf(policy) };
  const world = honestWorld({ 0: { claims }, 2: { claims }, 3: { claims } });
  Object.assign(world.state.policies[0]!, { policyHash: policyHashOf(policy) });
  const policies = world.evidence.policies.map((bundle) => (bundle === chargePolicy ? policy : bundle));
  return { ...world, evidence: { ...world.evidence, policies } };
}

describe("audit report for people", () => {
  it("says who acted under which policy, what is proven, and which rule was broken by which entry", async () => {
    const world = honestWorld({ 2: { values: { input: { amount: 101 } } } });
    const text = formatAuditReport(await auditOf(world));
    expect(text).to.include("PROVEN: all 71 verdicts hold");
    expect(text).to.include(world.payment.did);
    expect(text).to.include(`charges ${policyHashOf(chargePolicy)}`);
    expect(text).to.include("amount-limit A charge is at most 100 (1)");
    expect(text).to.match(new RegExp(`seq 1 .*${world.entries[2]!.entryId} .*amount = 101`));
    expect(text).to.include("charges: Be kind");
  });

  it("shows what fails with what was expected and found", async () => {
    const world = honestWorld();
    const anchors = world.state.anchors[world.evidence.header.logId]!;
    anchors[1] = { ...anchors[1]!, size: 4 };
    const text = formatAuditReport(await auditOf(world));
    expect(text).to.include("AUDIT_ANCHOR_MISMATCH");
    expect(text).to.match(/expected {2}size 4, root 0x[0-9a-f]{64}\n +found {5}size 5, root 0x[0-9a-f]{64}/);
  });

  it("says the same with and without emphasis, and has no colours of its own", async () => {
    const report = await auditOf(honestWorld());
    const plain = formatAuditReport(report);
    const mark = (text: string) => `\u001b[1m${text}\u001b[22m`;
    const marked = formatAuditReport(report, { paint: { bold: mark, dim: mark, good: mark, warn: mark, bad: mark } });
    expect(plain).to.equal(stripVTControlCharacters(plain));
    expect(marked).to.not.equal(plain);
    expect(stripVTControlCharacters(marked)).to.equal(plain);
  });

  it("lets no text of the file reach the terminal as more than text", async () => {
    const hostile = {
      ...chargePolicy,
      undecidable: [{ rule: "\u001b[2Jall is well\u202e", why: "line\nbreak\u009b31m" }],
    };
    const report = await auditOf(worldUnder(hostile));
    expect(report.conformity.undecidableRules[0]?.rule).to.equal("\u001b[2Jall is well\u202e");
    const text = formatAuditReport(report);
    expect(text).to.include("\\u001b[2Jall is well\\u202e");
    expect(text).to.include("line break\\u009b31m");
    expect(text).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it("says which policy takes the agents' own word for what belongs together", async () => {
    const accepts = /under the policy charges is the agent's own word/;
    expect((await auditOf(worldUnder({ ...chargePolicy, thread: "thread" }))).limits.join("\n")).to.match(accepts);
    expect((await auditOf(worldUnder({ ...chargePolicy, thread: "input.thread" }))).limits.join("\n")).to.not.match(
      accepts,
    );
  });

  it("cuts long lists and says how much is left", async () => {
    const { evidence, state } = honestWorld();
    const report = await auditEvidence(utf8(writeEvidence({ ...evidence, policies: [] })), { chain: chainOf(state) });
    const text = formatAuditReport(report, { maxListed: 1 });
    expect(text).to.include("(2 of policy-bundle)");
    expect(text).to.include("... and 1 more");
  });

  it("is plain JSON", async () => {
    const report = await auditOf(honestWorld());
    expect(JSON.parse(JSON.stringify(report))).to.deep.equal(report);
  });

  it("claims nothing of a file that it cannot read", async () => {
    const text = formatAuditReport(await auditEvidence(utf8("{}\n")));
    expect(text).to.include("cannot be read");
    expect(text).to.include("FAILS: 1 of 1");
    expect(text).to.not.include("Conformity");
  });
});
