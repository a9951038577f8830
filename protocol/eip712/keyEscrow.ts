import type { TypedDataDomain, TypedDataTable } from "./typedData.ts";

const agent = { name: "agent", type: "address" } as const;
const group = { name: "group", type: "bytes32" } as const;
const epoch = { name: "epoch", type: "uint256" } as const;
const nonce = { name: "nonce", type: "uint256" } as const;
const deadline = { name: "deadline", type: "uint256" } as const;

/** What is signed for the KeyEscrow, and (from `Group` on) what is hashed under a type hash but not signed. */
export const keyEscrowTypes = {
  /** Names the commitment, so that it means this key also after a reorg that published another one. */
  Acknowledge: [agent, group, epoch, { name: "keyCommitment", type: "bytes32" }, nonce, deadline],
  ReportMisdelivery: [
    agent,
    group,
    epoch,
    { name: "sealedKeyHash", type: "bytes32" },
    { name: "proofHash", type: "bytes32" },
    nonce,
    deadline,
  ],
  RequestRecovery: [agent, group, epoch, { name: "recipientKey", type: "bytes32" }, nonce, deadline],
  ApproveRecovery: [{ name: "trustee", type: "address" }, { name: "requestId", type: "bytes32" }, nonce, deadline],
  CancelRecovery: [agent, { name: "requestId", type: "bytes32" }, nonce, deadline],
  /** The id of a group: `keccak256(abi.encode(typeHash, keccak256(name)))`. */
  Group: [{ name: "name", type: "string" }],
  /** The commitment to an epoch's key. The salt is 32 random bytes: the commitment tells nothing of the key. */
  KeyCommitment: [group, epoch, { name: "key", type: "bytes32" }, { name: "salt", type: "bytes32" }],
  /** What a sealed key is bound to, as HPKE's `info`. */
  SealedKey: [
    { name: "chainId", type: "uint256" },
    { name: "escrow", type: "address" },
    group,
    epoch,
    { name: "member", type: "address" },
  ],
  /** What a trustee's sealed share is bound to. */
  SealedShare: [
    { name: "chainId", type: "uint256" },
    { name: "escrow", type: "address" },
    group,
    { name: "generation", type: "uint256" },
    { name: "trustee", type: "address" },
    { name: "index", type: "uint256" },
  ],
  /** The id of a request for recovery: an approval of it is an approval of all of this. */
  RecoveryRequest: [
    group,
    { name: "generation", type: "uint256" },
    epoch,
    agent,
    { name: "recipientKey", type: "bytes32" },
  ],
} as const satisfies TypedDataTable;

/** @param escrow address of the proxy */
export function keyEscrowDomain(chainId: bigint, escrow: string): TypedDataDomain {
  return { name: "Affiant KeyEscrow", version: "2", chainId, verifyingContract: escrow };
}
