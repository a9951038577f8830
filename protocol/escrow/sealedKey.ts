import { keccak256 } from "ethers";

import { epochKeyLength, type EpochKey, packEpochKey } from "./epochKey.ts";
import { type HpkeSealed, hpkeOpen, hpkeSeal, keyLength, type RecipientKey, tagLength } from "../hpke/hpke.ts";
import { type EscrowEpoch, sealedKeyContext } from "./ids.ts";
import { fromHex, type Hex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";

/**
 * A sealed key: version 0x01 ‖ encapsulated key (32) ‖ ciphertext of key ‖ salt (64) with tag (16). Its keccak256 stands,
 * with the member, in a leaf of the epoch's root.
 */
export const sealedKeyLength = 1 + keyLength + epochKeyLength + tagLength;
const version = 1;

export interface SealKeyInput {
  readonly epoch: EscrowEpoch;
  readonly member: string;
  /** The X25519 key of the member's attested evidence, 32 bytes. */
  readonly memberKey: Uint8Array;
  readonly publisherPrivateKey: Uint8Array;
  readonly keyCommitment: Hex;
  readonly secret: EpochKey;
  /** 32 fresh random bytes. */
  readonly ephemeralSeed: Uint8Array;
}

/** @returns `sealedKeyLength` bytes */
export async function sealKey(input: SealKeyInput): Promise<Uint8Array> {
  const sealed = await hpkeSeal({
    plaintext: packEpochKey(input.secret),
    recipientKey: input.memberKey,
    senderPrivateKey: input.publisherPrivateKey,
    ephemeralSeed: input.ephemeralSeed,
    ...contextOf(input),
  });
  return packSealed(sealed);
}

export interface OpenKeyInput {
  readonly epoch: EscrowEpoch;
  readonly member: string;
  readonly memberPrivateKey: RecipientKey;
  /** As the chain has it for this epoch. */
  readonly publisherKey: Uint8Array;
  readonly keyCommitment: Hex;
  readonly sealed: Uint8Array;
}

/**
 * What the sealed key holds, whatever it is: that it is the key committed to, `matchesCommitment` says.
 * @throws AffiantError ERR_INPUT_SEALED_KEY, ERR_PROOF_SEALED_KEY
 */
export function openKey(input: OpenKeyInput): Promise<Uint8Array> {
  return hpkeOpen({
    recipientPrivateKey: input.memberPrivateKey,
    senderKey: input.publisherKey,
    ...parseSealed(input.sealed),
    ...contextOf(input),
  });
}

/** HPKE's `info` and additional data of a sealed key. */
export function contextOf({ epoch, member, keyCommitment }: Pick<OpenKeyInput, "epoch" | "member" | "keyCommitment">) {
  return { info: sealedKeyContext(epoch, member), aad: fromHex(keyCommitment, 32) };
}

export function sealedHashOf(sealed: Uint8Array): Hex {
  return keccak256(sealed) as Hex;
}

/** @throws AffiantError ERR_INPUT_SEALED_KEY unless version and length are those of `plaintextLength` bytes sealed */
export function parseSealed(sealed: Uint8Array, plaintextLength = epochKeyLength): HpkeSealed {
  if (sealed.length !== 1 + keyLength + plaintextLength + tagLength || sealed[0] !== version) {
    throw new AffiantError("ERR_INPUT_SEALED_KEY", "the version or the length is not that of a sealed key");
  }
  return { enc: sealed.slice(1, 1 + keyLength), ciphertext: sealed.slice(1 + keyLength) };
}

export function packSealed({ enc, ciphertext }: HpkeSealed): Uint8Array {
  const bytes = new Uint8Array(1 + enc.length + ciphertext.length);
  bytes[0] = version;
  bytes.set(enc, 1);
  bytes.set(ciphertext, 1 + enc.length);
  return bytes;
}
