import type { TypedDataTable } from "../eip712/typedData.ts";
import type { Hex } from "../encoding/hex.ts";

/** One sealed key as it is handed over; the Merkle proof leads to the epoch's root. */
export interface SealedKeyOf {
  /** Lower-case address of the member; of the escrow itself for the key that is sealed for recovery. */
  readonly holder: Hex;
  /** 113 bytes (`protocol/escrow/sealedKey.ts`). */
  readonly sealed: Hex;
  readonly merkleProof: readonly Hex[];
}

/** `PUT /v1/groups/{group}/keys/{keyCommitment}`: sealed keys of one epoch, all of them or a part. */
export interface SealedKeysUpload {
  readonly epoch: number;
  readonly membersRoot: Hex;
  readonly keys: readonly SealedKeyOf[];
  /** Account that may publish the group's epochs. */
  readonly publisher: Hex;
  /** Unix seconds; at most five minutes ahead. */
  readonly deadlineSec: number;
  /** EIP-712 under the KeyEscrow's domain ({@link sealedKeysTypes}); the keys prove themselves by the root. */
  readonly signature: Hex;
}

/** More at a time are refused. */
export const maxSealedKeys = 256;

/** What the publisher signs. The contract never sees it, so it is not among the types that it hashes. */
export const sealedKeysTypes = {
  DeliverKeys: [
    { name: "group", type: "bytes32" },
    { name: "epoch", type: "uint256" },
    { name: "membersRoot", type: "bytes32" },
    { name: "keyCommitment", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
} as const satisfies TypedDataTable;

/** How many of the keys were new. */
export interface SealedKeysAnswer {
  readonly added: number;
}

/** Command of the UCAN invocation by which a member, or who recovers, asks for a sealed key. */
export const sealedKeyCommand = "/escrow/key/read";

/** `POST /v1/groups/{group}/keys/{keyCommitment}/{holder}:read`. */
export interface SealedKeyAnswer {
  readonly epoch: number;
  readonly membersRoot: Hex;
  readonly sealed: Hex;
  readonly merkleProof: readonly Hex[];
}

/** What an invocation of {@link sealedKeyCommand} names: a key of one chain's escrow, in lower case. */
export function sealedKeyArgs(of: {
  readonly chainId: bigint;
  readonly escrow: string;
  readonly group: Hex;
  readonly keyCommitment: Hex;
  /** The member; who recovers names the request instead. */
  readonly holder: string;
}): Record<string, string> {
  const { chainId, escrow, group, keyCommitment, holder } = of;
  return {
    chainId: chainId.toString(),
    escrow: escrow.toLowerCase(),
    group,
    keyCommitment,
    holder: holder.toLowerCase(),
  };
}
