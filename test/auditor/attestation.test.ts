import { expect } from "chai";

import type { AuditedEntry } from "../../auditor/auditedEntry.ts";
import type { AttestationAt, ChainReader } from "../../auditor/chain/chainReader.ts";
import { checkAttestation } from "../../auditor/checks/attestation.ts";
import type { AttestationStatus } from "../../protocol/attestation/types.ts";

const registry = "0x00000000000000000000000000000000000000a7";
const entry = {
  agentAddress: "0x00000000000000000000000000000000000000a1",
  subject: { line: 3 },
  decoded: { claims: { nb: { blockNumber: 10 } } },
} as unknown as AuditedEntry;

const verifiers = ["0x00000000000000000000000000000000000000b1", "0x00000000000000000000000000000000000000b2"] as const;

/** A chain on which the agent had one status at its not-before block, and another where the entry was anchored. */
function chainWith(then: AttestationStatus, later: AttestationStatus): ChainReader {
  return {
    head: () => Promise.resolve({ blockNumber: 30, blockHash: "0x" }),
    attestersOf: (_: string, recordIndex: number) => Promise.resolve(recordIndex === 5 ? verifiers : null),
    attestationAt: (_: string, __: string, blockNumber: number): Promise<AttestationAt> => {
      const status = blockNumber < 20 ? then : later;
      return Promise.resolve({
        status,
        tier: "software",
        version: 1,
        sinceBlock: 7,
        expiresAtBlock: 90,
        recordIndex: 5,
      });
    },
  } as unknown as ChainReader;
}

const outcome = async (then: AttestationStatus, later: AttestationStatus, upperBound: number | null = 20) => {
  const verdict = await checkAttestation(entry, registry, upperBound, chainWith(then, later));
  return verdict && `${verdict.outcome} ${verdict.code}`;
};

describe("auditor: attestation", () => {
  it("holds if the agent was trusted from the not-before block to the anchor, and says by whom and at which tier", async () => {
    const verdict = await checkAttestation(entry, registry, 20, chainWith("trusted", "trusted"));
    expect(verdict!.outcome).to.equal("holds");
    for (const part of [...verifiers, "block 7", "software"]) expect(verdict!.detail).to.contain(part);
  });

  it("holds without an anchor by the not-before block alone", async () => {
    expect(await outcome("trusted", "convicted", null)).to.equal("holds AUDIT_OK");
  });

  for (const status of ["enrolled", "expired", "suspect", "quarantined", "silent", "convicted", "retired"] as const) {
    it(`fails if the agent was ${status} when it acted`, async () => {
      expect(await outcome(status, "trusted")).to.equal("fails AUDIT_ATTESTATION_NOT_TRUSTED");
    });

    it(`is unproven if the agent was ${status} by the time of the anchor`, async () => {
      expect(await outcome("trusted", status)).to.equal("unproven AUDIT_ATTESTATION_LOST_IN_WINDOW");
    });
  }

  it("is unproven for an agent that was enrolled only later", async () => {
    expect(await outcome("none", "trusted")).to.equal("unproven AUDIT_ATTESTATION_NONE");
  });

  it("says nothing about an agent that was never enrolled", async () => {
    expect(await outcome("none", "none")).to.equal(null);
  });

  it("says nothing without a chain", async () => {
    expect(await checkAttestation(entry, registry, 20, undefined)).to.equal(null);
  });
});
