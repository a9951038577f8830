import type { TypedDataDomain, TypedDataTable } from "./typedData.ts";

const nonce = { name: "nonce", type: "uint256" } as const;
const deadline = { name: "deadline", type: "uint256" } as const;
const service = { name: "service", type: "address" } as const;

/** What is signed for the AttestationRegistry, and (`Reference`, `Seed`) what is hashed under a type hash but not signed. */
export const attestationRegistryTypes = {
  /**
   * Signed by the owner of the verifying agent, or by an account of the attestation service where it stands in. The seed
   * ties it to one draw: after a reorg that drew otherwise it counts for nothing. For an introduction, outside of the
   * rounds, `round` is 0 and `seed` the number of records the target has, or 0 where the service says PASS.
   */
  Verdict: [
    { name: "round", type: "uint256" },
    { name: "seed", type: "bytes32" },
    { name: "target", type: "address" },
    { name: "enrolment", type: "uint256" },
    { name: "verifier", type: "address" },
    { name: "result", type: "uint8" },
    { name: "attempts", type: "uint8" },
    { name: "evidenceHash", type: "bytes32" },
  ],
  /** By the owner of an agent, once for each version that is enrolled. */
  EnrolmentConsent: [
    { name: "owner", type: "address" },
    { name: "agent", type: "address" },
    { name: "version", type: "uint256" },
    deadline,
  ],
  Withdraw: [{ name: "owner", type: "address" }, { name: "agent", type: "address" }, nonce, deadline],
  Enrol: [
    service,
    { name: "agent", type: "address" },
    { name: "commitment", type: "bytes32" },
    { name: "operator", type: "address" },
    { name: "tier", type: "uint8" },
    nonce,
    deadline,
  ],
  OpenRound: [service, { name: "secretCommitment", type: "bytes32" }, nonce, deadline],
  /** The commitment to an agent's reference: `keccak256(abi.encode(typeHash, agent, version, measurement, salt))`. */
  Reference: [
    { name: "agent", type: "address" },
    { name: "version", type: "uint256" },
    { name: "measurement", type: "bytes32" },
    { name: "salt", type: "bytes32" },
  ],
  /** The seed of a round: `keccak256(abi.encode(typeHash, secret, blockHash, rotHead, round))`. */
  Seed: [
    { name: "secret", type: "bytes32" },
    { name: "blockHash", type: "bytes32" },
    { name: "rotHead", type: "bytes32" },
    { name: "round", type: "uint256" },
  ],
} as const satisfies TypedDataTable;

/** @param registry address of the proxy */
export function attestationRegistryDomain(chainId: bigint, registry: string): TypedDataDomain {
  return { name: "Affiant AttestationRegistry", version: "1", chainId, verifyingContract: registry };
}
