import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import { RpcChain } from "../../auditor/chain/rpcChain.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import type { AuditReport } from "../../auditor/report/auditReport.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import type { Evidence } from "../../protocol/evidence/types.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { FaultProxy } from "../../cli/rehearse/faultProxy.ts";
import { rejection } from "../helpers/rejection.ts";
import { anchor, evidenceOf, realChain, type RealChain, sign } from "./chain.ts";
import { seed, type SignedEntry } from "./world.ts";

describe("audit against a chain over JSON-RPC", () => {
  let real: RealChain;
  let entries: SignedEntry[];
  let evidence: Evidence;

  /** Two entries under the first anchor, three more under the second. */
  beforeEach(async () => {
    real = await realChain();
    entries = await sign(real, 2);
    await anchor(real, entries, 0);
    entries = await sign(real, 3, entries);
    await anchor(real, entries, 2);
    evidence = evidenceOf(real, entries, 1);
  });
  afterEach(() => real.close());

  async function audit(parts: Evidence = evidence, batchMaxCount = 100): Promise<AuditReport> {
    const chain = await RpcChain.open(real.url, { batchMaxCount });
    try {
      return await auditEvidence(utf8(writeEvidence(parts)), { chain, verify: verifyNative });
    } finally {
      chain.close();
    }
  }

  const turned = ({ verdicts }: AuditReport) =>
    verdicts.filter(({ outcome }) => outcome !== "holds").map(({ check, code, subject }) => [check, code, subject.seq]);

  it("proves what happened, and names the code that answered", async () => {
    const report = await audit();
    expect(turned(report)).to.deep.equal([]);
    // The acts of this world name no order, by which the policy counts: proven, and not decided.
    expect(report.summary).to.deep.include({ fullyProven: true, conformity: "undecidable" });
    const blocks = evidence.entries.map((_, i) => (i < 2 ? 0 : 1));
    const anchors = await Promise.all(
      [0, 1].map(async (i) => (await real.logAnchor.getFunction("anchorAt")(evidence.header.logId, i)) as bigint[]),
    );
    expect(report.verdicts.filter(({ check }) => check === "not-after").map(({ detail }) => detail)).to.deep.equal(
      blocks.map((i) => `Done by block ${anchors[i]![2]}.`),
    );
    for (const { name, address, codeHash, implementation } of report.chain!.contracts) {
      const deployed = real.deployment.contracts[name];
      expect([address, codeHash]).to.deep.equal([deployed.address.toLowerCase(), deployed.codeHash]);
      expect(implementation !== undefined, name).to.equal(name !== "logAnchor");
      if (implementation) expect(implementation.codeHash).to.match(/^0x[0-9a-f]{64}$/);
    }
    expect(report.agents[0]?.activeNow).to.equal(true);
  });

  it("asks in batches, and nothing twice", async () => {
    const before = real.requests();
    await audit();
    const batched = real.requests() - before;
    await audit(evidence, 1);
    const single = real.requests() - before - batched;
    expect(single).to.be.greaterThan(2 * batched);

    // Ten times the entries at the same blocks ask nothing new but which anchor covers them.
    const many = await sign(real, 45, entries);
    await anchor(real, many, 5);
    const asked = real.requests();
    const report = await audit(evidenceOf(real, many, 2));
    expect(report.summary.fullyProven).to.equal(true);
    expect(real.requests() - asked).to.be.at.most(batched + 2);
  });

  it("finds a key that was revoked before the anchor", async () => {
    const more = await sign(real, 1, entries);
    await real.agentRegistry.getFunction("revokeSigningKey")(real.agent.address, toHex(real.agent.publicKey));
    await anchor(real, more, 5);
    expect(turned(await audit(evidenceOf(real, more, 2)))).to.deep.equal([
      ["signing-key", "AUDIT_KEY_ENDED_IN_WINDOW", 5],
    ]);
  });

  it("finds an entry signed after the agent's end", async () => {
    await real.agentRegistry.getFunction("deactivate")(real.agent.address, `0x${"0".repeat(40)}`);
    const more = await sign(real, 1, entries);
    await anchor(real, more, 5);
    const report = await audit(evidenceOf(real, more, 2));
    expect(turned(report)).to.deep.equal([["signing-key", "AUDIT_KEY_NOT_VALID", 5]]);
    expect(report.agents[0]?.activeNow).to.equal(false);
  });

  it("finds an act under a policy that was replaced before it", async () => {
    await real.policyRegistry.getFunction("commit")(real.agent.address, toHex(seed("another policy")));
    const more = await sign(real, 1, entries);
    await anchor(real, more, 5);
    const report = await audit(evidenceOf(real, more, 2));
    expect(turned(report)).to.deep.equal([["policy-in-force", "AUDIT_POLICY_OTHER", 5]]);
    const verdict = report.verdicts.findLast(({ check }) => check === "policy-in-force");
    expect(verdict).to.deep.include({ expected: toHex(seed("another policy")) });
  });

  it("proves an anchor without record by the event in its block, and only there", async () => {
    const more = await sign(real, 1, entries);
    await anchor(real, more, 5, "advance");
    const { blockNumber } = await real.logAnchor.getFunction("latest")(evidence.header.logId);
    const parts = evidenceOf(real, more, 0);
    const at = (anchorBlock: number): Evidence => {
      return { ...parts, checkpoint: { ...parts.checkpoint, anchorIndex: null, anchorBlock } };
    };
    expect((await audit(at(Number(blockNumber)))).summary.fullyProven).to.equal(true);
    const verdictAt = async (block: number) => turned(await audit(at(block)))[0];
    expect(await verdictAt(Number(blockNumber) + 1)).to.deep.equal(["anchor", "AUDIT_ANCHOR_UNKNOWN", undefined]);
    const { blockNumber: earlier } = await real.logAnchor.getFunction("anchorAt")(evidence.header.logId, 1);
    expect(await verdictAt(Number(earlier))).to.deep.equal(["anchor", "AUDIT_ANCHOR_MISMATCH", undefined]);
  });

  it("finds a log that the contract does not know, and one that was not anchored so far", async () => {
    const missing = { ...evidence, checkpoint: { ...evidence.checkpoint, anchorIndex: 2 } };
    expect(turned(await audit(missing))[0]).to.deep.equal(["anchor", "AUDIT_ANCHOR_UNKNOWN", undefined]);
    const elsewhere = { ...evidence.header.contracts, logAnchor: evidence.header.contracts.policyRegistry };
    const report = await audit({ ...evidence, header: { ...evidence.header, contracts: elsewhere } });
    expect(turned(report)[0]).to.deep.equal(["log", "AUDIT_LOG_UNKNOWN", undefined]);
  });

  it("fails nothing silently at an address without code", async () => {
    const nowhere = { ...evidence.header.contracts, agentRegistry: `0x${"12".repeat(20)}` as const };
    const report = await audit({ ...evidence, header: { ...evidence.header, contracts: nowhere } });
    expect(turned(report)).to.deep.equal([
      ["contracts", "AUDIT_CONTRACT_ABSENT", undefined],
      ["contracts", "AUDIT_CONTRACT_OTHER", undefined], // the registry of policies belongs elsewhere,
      ["contracts", "AUDIT_CONTRACT_OTHER", undefined], // and so do the registry of contracts
      ["contracts", "AUDIT_CONTRACT_OTHER", undefined], // and that of attestations
      ...entries.map(({ claims }) => ["signing-key", "AUDIT_KEY_NOT_VALID", claims.seq]),
    ]);
  });

  it("answers as of the block that was the head at first, whatever is mined meanwhile", async () => {
    const chain = await RpcChain.open(real.url);
    const { blockNumber } = await chain.head();
    await real.agentRegistry.getFunction("deactivate")(real.agent.address, `0x${"0".repeat(40)}`);
    expect(await chain.isActive(evidence.header.contracts.agentRegistry, real.agent.address)).to.equal(true);
    expect(await chain.blockHash(blockNumber + 1)).to.equal(null);
    chain.close();
  });

  it("asks again when an answer is lost, and not when it is an error", async () => {
    const proxy = await FaultProxy.start(real.url);
    const kinds = ["drop", "lose", "cut"] as const;
    let asked = 0;
    proxy.plan(() => {
      const kind = kinds[asked++ % 5];
      return kind && { kind };
    });
    const chain = await RpcChain.open(proxy.url, { firstPauseMs: 1, maxPauseMs: 5, attempts: 50 });
    const { verdicts } = await auditEvidence(utf8(writeEvidence(evidence)), { chain, verify: verifyNative });
    expect(verdicts.filter(({ outcome }) => outcome !== "holds")).to.deep.equal([]);
    expect(asked).to.be.greaterThan(8);
    proxy.heal();
    const before = proxy.seen.length;
    const { contracts, logId } = evidence.header;
    expect(await chain.anchorAt(contracts.logAnchor, logId, 1_000)).to.equal(null);
    expect(proxy.seen.length - before).to.equal(1);
    chain.close();
    await proxy.close();
  });

  it("never takes silence for an answer", async () => {
    const chain = await RpcChain.open(real.url, { attempts: 2 });
    real.cut();
    const error = await rejection(auditEvidence(utf8(writeEvidence(evidence)), { chain }));
    expect(isAffiantError(error, "ERR_UNAVAILABLE_CHAIN")).to.equal(true);
    chain.close();
    expect(isAffiantError(await rejection(RpcChain.open(real.url, { attempts: 2 })), "ERR_UNAVAILABLE_CHAIN")).to.equal(
      true,
    );
    expect(isAffiantError(await rejection(RpcChain.open("ftp://chain")), "ERR_INPUT_CONFIG")).to.equal(true);
  });
});
