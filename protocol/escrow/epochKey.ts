import { type EscrowEpoch, typedHash } from "./ids.ts";
import { toHex, type Hex } from "../encoding/hex.ts";

/** The secret of an epoch. Never in a log, an error, a database or a transaction. */
export interface EpochKey {
  /** 32 random bytes, fresh for each epoch. */
  readonly key: Uint8Array;
  /** 32 random bytes, so that the commitment tells nothing of the key, not even that it came back. */
  readonly salt: Uint8Array;
}

/** Bytes of key ‖ salt: what a sealed key holds. */
export const epochKeyLength = 64;

/** What stands on chain, the same for all members: who was given another key notices. */
export function keyCommitmentOf({ group, epoch }: Pick<EscrowEpoch, "group" | "epoch">, secret: EpochKey): Hex {
  const types = ["bytes32", "uint256", "bytes32", "bytes32"];
  return typedHash("KeyCommitment", types, [group, epoch, toHex(secret.key), toHex(secret.salt)]);
}

export function packEpochKey({ key, salt }: EpochKey): Uint8Array {
  if (key.length !== 32 || salt.length !== 32) throw new RangeError("a key and its salt are 32 bytes each");
  const bytes = new Uint8Array(epochKeyLength);
  bytes.set(key);
  bytes.set(salt, 32);
  return bytes;
}

/** undefined if the bytes are no key and salt at all, which is a misdelivery like any other. */
export function unpackEpochKey(bytes: Uint8Array): EpochKey | undefined {
  return bytes.length === epochKeyLength ? { key: bytes.slice(0, 32), salt: bytes.slice(32) } : undefined;
}

/** Whether opened bytes are the key that was committed to. */
export function matchesCommitment(
  epoch: Pick<EscrowEpoch, "group" | "epoch">,
  opened: Uint8Array,
  keyCommitment: Hex,
): boolean {
  const secret = unpackEpochKey(opened);
  return secret !== undefined && keyCommitmentOf(epoch, secret) === keyCommitment;
}
