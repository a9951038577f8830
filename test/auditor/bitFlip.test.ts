import { createHash } from "node:crypto";

import { expect } from "chai";
import type { SigningKey } from "ethers";

import { auditEvidence } from "../../auditor/audit.ts";
import type { ChainReader } from "../../auditor/chain/chainReader.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";
import { agentNamed, chainOf, logOver, noteOver, operator, signEntry, worldOf } from "./world.ts";

const policy: PolicyBundle = {
  format: "affiant-policy/1",
  name: "p",
  description: "d",
  schema:
    'entity Agent; entity System; action "pay" appliesTo { principal: [Agent], resource: [System], context: {} };',
  policies: '@id("may") permit (principal, action, resource);',
  facts: {},
  undecidable: [],
};

/** Evidence as small as it gets while every kind of field is there: two entries, disclosures, proofs, an anchor. No call
 * is among them: its tokens stand in a disclosure, and are flipped bit by bit in `test/protocol/ucan/attacks.test.ts`. */
function smallEvidence(statedBy: SigningKey | null): { bytes: Uint8Array; chain: ChainReader } {
  const agent = agentNamed("payment");
  const claims = { act: "pay", thread: "t" };
  const first = signEntry(agent, policyHashOf(policy), {
    seq: 0,
    prev: null,
    values: { input: 1, output: "x" },
    claims,
  });
  const second = signEntry(agent, policyHashOf(policy), {
    seq: 1,
    prev: first.entryId,
    values: { context: [] },
    claims,
  });
  const { evidence, state } = worldOf([first, second]);
  state.anchors[evidence.header.logId]?.shift();
  state.policies = [{ agent: agent.address, policyHash: policyHashOf(policy), block: 6 }];
  const { root } = logOver([first.leaf, second.leaf]);
  const checkpoint = { note: noteOver(root(2), 2, { statedBy }), anchorBlock: null, anchorIndex: 0 };
  return { bytes: utf8(writeEvidence({ ...evidence, checkpoint, policies: [policy] })), chain: chainOf(state) };
}

/** What a liar does after changing the file: makes count and digest of the end line good again. */
function reseal(bytes: Uint8Array, endStart: number): Uint8Array {
  const body = bytes.subarray(0, endStart);
  const sha256 = `0x${createHash("sha256").update(body).digest("hex")}`;
  return Buffer.concat([body, utf8(`${toCanonicalJson({ count: 2, sha256, type: "end" })}\n`)]);
}

/** Where the end line begins. */
const endOf = (bytes: Uint8Array): number => bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;

interface Flips {
  readonly bytes: Uint8Array;
  readonly chain: ChainReader;
  /** Bytes [from, to) are changed, bit by bit. */
  readonly from: number;
  readonly to: number;
  readonly finish: (changed: Uint8Array) => Uint8Array;
  /** Bits flipped in each byte; default all eight. */
  readonly bits?: (byte: number) => readonly number[];
}

const allBits = [0, 1, 2, 3, 4, 5, 6, 7];

/** The bits whose change leaves every verdict as it was. */
async function unnoticed({ bytes, chain, from, to, finish, bits = () => allBits }: Flips): Promise<string[]> {
  const missed: string[] = [];
  for (let byte = from; byte < to; byte++) {
    for (const bit of bits(byte)) {
      const changed = Uint8Array.from(bytes);
      changed[byte]! ^= 1 << bit;
      const { summary } = await auditEvidence(finish(changed), { chain, verify: verifyNative });
      if (summary.fullyProven) missed.push(`bit ${bit} of byte ${byte}`);
    }
  }
  return missed;
}

describe("every single-bit change of an evidence file", function () {
  this.timeout(300_000);
  const plain = smallEvidence(null);
  // Recovering an account from a signature is slow: the operator's statement is flipped in a test of its own.
  const stated = smallEvidence(operator);

  it("starts from evidence in which every verdict holds", async () => {
    for (const { bytes, chain } of [plain, stated]) {
      const { summary } = await auditEvidence(bytes, { chain, verify: verifyNative });
      expect(summary).to.deep.include({ fullyProven: true, conformityHolds: true });
      expect(reseal(bytes, endOf(bytes))).to.deep.equal(Buffer.from(bytes));
    }
  });

  it("turns a verdict", async () => {
    const finish = (changed: Uint8Array) => changed;
    // The seal is over each byte alike, and what is left of the file is audited each time: one bit of each will do.
    const bits = (byte: number) => [byte % 8];
    expect(await unnoticed({ ...plain, from: 0, to: plain.bytes.length, finish, bits })).to.deep.equal([]);
  });

  it("turns a verdict also when a liar seals the file anew", async () => {
    const end = endOf(plain.bytes);
    const finish = (changed: Uint8Array) => reseal(changed, end);
    // Here two bits of each byte, and every one in `npm run nightly -- --only bits`.
    const some = (byte: number) => [byte % 8, (byte + 3) % 8];
    const bits = process.env.AFFIANT_EVERY_BIT === "1" ? undefined : some;
    expect(await unnoticed({ ...plain, from: 0, to: end, finish, ...(bits && { bits }) })).to.deep.equal([]);
  });

  it("turns a verdict also in the operator's statement", async () => {
    const { bytes } = stated;
    const from = Buffer.from(bytes).lastIndexOf("\u2014");
    const to = bytes.indexOf(0x0a, from);
    const finish = (changed: Uint8Array) => reseal(changed, endOf(bytes));
    expect(await unnoticed({ ...stated, from, to, finish })).to.deep.equal([]);
  });
});
