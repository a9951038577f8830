import { expect } from "chai";

import type { AuditedEntry } from "../../auditor/auditedEntry.ts";
import type { AttestationAt, ChainReader, GroupEpoch } from "../../auditor/chain/chainReader.ts";
import { checkGroupKey } from "../../auditor/checks/groupKey.ts";
import type { AttestationStatus } from "../../protocol/attestation/types.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { Json } from "../../protocol/json/canonical.ts";

const hex = (byte: string, length: number): Hex => `0x${byte.repeat(length)}`;
const escrow = hex("e5", 20);
const [agent, peer] = [hex("a1", 20), hex("a2", 20)];
const use = { escrow, group: hex("99", 32), epoch: 3, keyCommitment: hex("c3", 32) };
const entry = {
  agentAddress: agent,
  subject: { line: 3 },
  decoded: { claims: { nb: { blockNumber: 20 } } },
} as unknown as AuditedEntry;

/** Published in block 10; the next one in block 18, with 5 blocks of grace. */
const published: GroupEpoch = {
  keyCommitment: use.keyCommitment,
  publishedAtBlock: 10,
  nextPublishedAtBlock: 18,
  graceBlocks: 5,
  holders: [agent, peer],
  attestationRegistry: hex("a7", 20),
};

interface Change {
  readonly use?: Json;
  readonly epoch?: Partial<GroupEpoch> | null;
  readonly upperBound?: number | null;
  /** Status of the peer by block. */
  readonly peer?: (blockNumber: number) => AttestationStatus;
}

function outcome({ use: named = use, epoch = {}, upperBound = 30, peer: status = () => "trusted" }: Change = {}) {
  const chain = {
    groupEpoch: () => Promise.resolve(epoch && { ...published, ...epoch }),
    attestationAt: (_: Hex, who: Hex, blockNumber: number): Promise<AttestationAt> => {
      const now = who === peer ? status(blockNumber) : "trusted";
      return Promise.resolve({
        status: now,
        tier: "software",
        version: 1,
        sinceBlock: 7,
        expiresAtBlock: 90,
        recordIndex: 1,
      });
    },
  } as unknown as ChainReader;
  return checkGroupKey(entry, { context: { groupKey: named } }, escrow, upperBound, chain);
}

const codeOf = async (change: Change): Promise<string> => {
  const verdict = await outcome(change);
  return `${verdict?.outcome} ${verdict?.code}`;
};

describe("auditor: acts under a group's key", () => {
  it("says which epoch it was, who held its key, and that all were attested when it was published", async () => {
    const verdict = await outcome();
    expect(verdict?.outcome).to.equal("holds");
    for (const word of ["epoch 3", use.group, "block 10", agent, peer]) expect(verdict?.detail).to.contain(word);
  });

  it("says nothing of an act that names no key", async () => {
    const chain = {} as ChainReader;
    expect(await checkGroupKey(entry, {}, escrow, 30, chain)).to.equal(undefined);
    expect(await checkGroupKey(entry, { context: { role: "callee" } }, escrow, 30, chain)).to.equal(undefined);
  });

  const cases: readonly (readonly [string, string, Change])[] = [
    ["is no key's name", "fails AUDIT_GROUP_KEY_MALFORMED", { use: { ...use, epoch: "3" } }],
    ["says more than a key's name", "fails AUDIT_GROUP_KEY_MALFORMED", { use: { ...use, more: 1 } }],
    ["is of another contract", "fails AUDIT_GROUP_KEY_UNKNOWN", { use: { ...use, escrow: hex("e6", 20) } }],
    ["is of no epoch of the chain", "fails AUDIT_GROUP_KEY_UNKNOWN", { epoch: null }],
    ["is another key of that epoch", "fails AUDIT_GROUP_KEY_UNKNOWN", { epoch: { keyCommitment: hex("c4", 32) } }],
    ["came after the act was anchored", "fails AUDIT_GROUP_KEY_LATER", { upperBound: 9 }],
    ["was over, grace included", "fails AUDIT_GROUP_KEY_OVER", { epoch: { graceBlocks: 1 } }],
    ["was not given to the agent", "fails AUDIT_GROUP_KEY_NOT_HELD", { epoch: { holders: [peer] } }],
    [
      "was given to somebody who was not attested",
      "fails AUDIT_GROUP_KEY_UNATTESTED",
      { peer: (block) => (block <= 10 ? "quarantined" : "trusted") },
    ],
    [
      "ended when a holder lost trust, before the act",
      "fails AUDIT_GROUP_KEY_OVER",
      { peer: (block) => (block >= 20 ? "convicted" : "trusted") },
    ],
  ];
  for (const [what, code, change] of cases) {
    it(`fails if the key ${what}`, async () => {
      expect(await codeOf(change)).to.equal(code);
    });
  }

  it("holds in the last block of grace, for the last epoch, and for trust that began in the block of publication", async () => {
    const holds = "holds AUDIT_OK";
    expect(await codeOf({ epoch: { graceBlocks: 2 } })).to.equal(holds);
    expect(await codeOf({ epoch: { nextPublishedAtBlock: null, graceBlocks: 0 } })).to.equal(holds);
    expect(await codeOf({ peer: (block) => (block < 10 ? "enrolled" : "trusted") })).to.equal(holds);
    expect(await codeOf({ upperBound: null })).to.equal(holds);
  });

  it("is unproven without a chain", async () => {
    const verdict = await checkGroupKey(entry, { context: { groupKey: use } }, escrow, 30, undefined);
    expect([verdict?.outcome, verdict?.code]).to.deep.equal(["unproven", "AUDIT_CHAIN_NOT_GIVEN"]);
  });
});
