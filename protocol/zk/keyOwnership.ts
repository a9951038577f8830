import { agentRegistryTypes } from "../eip712/agentRegistry.ts";
import { type TypedDataDomain, typedDataDigest } from "../eip712/typedData.ts";
import type { Hex } from "../encoding/hex.ts";
import type { PublicSignals } from "./publicSignals.ts";

/** What a proof of key ownership is made for: EIP-712 `KeyOwnership`. */
export interface KeyOwnershipClaim {
  readonly agent: string;
  /** Poseidon(Ax, Ay), below r. */
  readonly commitment: bigint;
  /** Who may use the proof; whoever carries it cannot put another here. */
  readonly recipient: string;
  /** OpenZeppelin NoncesKeyed: 192-bit key << 64 | 64-bit sequence, of the account that signs. */
  readonly nonce: bigint;
  /** Unix seconds; the last second at which the claim may be mined. */
  readonly deadline: bigint;
}

/** The 32 bytes that the agent's owner signs when a relayer carries the claim. */
export function keyOwnershipDigest(domain: TypedDataDomain, claim: KeyOwnershipClaim): Hex {
  return typedDataDigest(domain, agentRegistryTypes, "KeyOwnership", { ...claim });
}

/** `uint256(digest) >> 8`: below 2^248, and so below r whatever the digest. */
export function keyOwnershipAction(domain: TypedDataDomain, claim: KeyOwnershipClaim): bigint {
  return BigInt(keyOwnershipDigest(domain, claim)) >> 8n;
}

/** The public signals that a proof of this claim has: computed from the claim, never taken from the prover. */
export function keyOwnershipSignals(domain: TypedDataDomain, claim: KeyOwnershipClaim): PublicSignals<"key-ownership"> {
  return { commitment: claim.commitment, action: keyOwnershipAction(domain, claim) };
}
