import { concat, keccak256 } from "ethers";

import { type Commitments, isShareOf, scalarBytes, scalarOfBytes, type Share } from "./feldman.ts";
import { hpkeOpen, hpkeOpenWith, hpkeSeal, sharedSecretOf } from "../hpke/hpke.ts";
import { type EscrowGroup, sealedShareContext } from "./ids.ts";
import { packSealed, parseSealed, sealedHashOf } from "./sealedKey.ts";
import { isUnderRoot } from "./sealedTree.ts";
import { fromHex, type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError, isAffiantError } from "../errors/affiantError.ts";

/** Bytes of a share: a scalar. */
const shareLength = 32;

/** Whose share of which generation. */
export interface ShareSeat {
  readonly group: EscrowGroup;
  readonly generation: bigint;
  readonly trustee: string;
  /** From 1: the trustee's place in the contract's list, plus one. */
  readonly index: number;
  readonly commitments: Commitments;
}

/** `keccak256(abi.encodePacked(commitments))`, as the contract keeps it. */
export function commitmentsHashOf(commitments: Commitments): Hex {
  return keccak256(concat(commitments.map(toHex))) as Hex;
}

export interface SealShareInput {
  readonly seat: ShareSeat;
  readonly share: Share;
  /** X25519 keys; the recipient is the trustee, or whoever recovers. */
  readonly recipientKey: Uint8Array;
  readonly senderPrivateKey: Uint8Array;
  readonly ephemeralSeed: Uint8Array;
}

/** @returns version ‖ encapsulated key ‖ ciphertext of the scalar with tag: 81 bytes */
export async function sealShare(input: SealShareInput): Promise<Uint8Array> {
  if (input.share.index !== input.seat.index) throw new AffiantError("ERR_INPUT_SHARE", "the share is of another seat");
  const { recipientKey, senderPrivateKey, ephemeralSeed } = input;
  const plaintext = scalarBytes(input.share.value);
  const keys = { recipientKey, senderPrivateKey, ephemeralSeed };
  return packSealed(await hpkeSeal({ plaintext, ...keys, ...contextOf(input.seat) }));
}

export interface OpenShareInput {
  readonly seat: ShareSeat;
  readonly sealed: Uint8Array;
  readonly recipientPrivateKey: Uint8Array;
  readonly senderKey: Uint8Array;
}

/**
 * Opens a share and checks it.
 * @throws AffiantError ERR_PROOF_SHARE if it does not fit the commitments (`proveBadShare` shows it to others),
 *   ERR_PROOF_SEALED_KEY, ERR_INPUT_SEALED_KEY
 */
export async function openShare({ seat, sealed, recipientPrivateKey, senderKey }: OpenShareInput): Promise<Share> {
  const parsed = parseSealed(sealed, shareLength);
  const opened = await hpkeOpen({ recipientPrivateKey, senderKey, ...parsed, ...contextOf(seat) });
  const share = shareOf(opened, seat);
  if (share === undefined) {
    throw new AffiantError("ERR_PROOF_SHARE", `share ${seat.index} does not fit the commitments`, {
      details: { index: seat.index },
    });
  }
  return share;
}

/**
 * Proof that a trustee was sealed something that is no share. It shows what was sealed; if that is close to the true
 * share, as after a flipped bit, one share is out, and the generation has to be dealt anew, as a bad dealing has anyway.
 */
export interface BadShareProof {
  readonly sealed: Hex;
  readonly merkleProof: readonly Hex[];
  readonly sharedSecret: Hex;
}

/** @returns undefined if the share is good, or the sealed share does not open */
export async function proveBadShare(
  input: OpenShareInput,
  merkleProof: readonly Hex[],
): Promise<BadShareProof | undefined> {
  const { enc } = parseSealed(input.sealed, shareLength);
  const { recipientPrivateKey, senderKey } = input;
  const sharedSecret = await sharedSecretOf({ enc, recipientPrivateKey, senderKey });
  const proof = { sealed: toHex(input.sealed), merkleProof, sharedSecret: toHex(sharedSecret) };
  return (await shownShare(proof, input.seat)) === "bad" ? proof : undefined;
}

/**
 * Whether a proof shows a bad share. The caller takes the commitments and the root from the chain.
 * @throws AffiantError ERR_INPUT_ENCODING, ERR_INPUT_SEALED_KEY if it is malformed
 */
export async function verifyBadShare(proof: BadShareProof, seat: ShareSeat, sharesRoot: Hex): Promise<boolean> {
  const leaf = { holder: seat.trustee, sealedHash: sealedHashOf(fromHex(proof.sealed)) };
  return isUnderRoot(sharesRoot, leaf, proof.merkleProof) && (await shownShare(proof, seat)) === "bad";
}

async function shownShare(proof: BadShareProof, seat: ShareSeat): Promise<"good" | "bad" | "does-not-open"> {
  const { ciphertext } = parseSealed(fromHex(proof.sealed), shareLength);
  try {
    const opened = await hpkeOpenWith(fromHex(proof.sharedSecret, 32), { ...contextOf(seat), ciphertext });
    return shareOf(opened, seat) === undefined ? "bad" : "good";
  } catch (error) {
    if (isAffiantError(error, "ERR_PROOF_SEALED_KEY")) return "does-not-open";
    throw error;
  }
}

function contextOf({ group, generation, trustee, index, commitments }: ShareSeat) {
  const info = sealedShareContext(group, generation, trustee, index);
  return { info, aad: fromHex(commitmentsHashOf(commitments)) };
}

function shareOf(opened: Uint8Array, { index, commitments }: ShareSeat): Share | undefined {
  try {
    const share = { index, value: scalarOfBytes(opened) };
    return isShareOf(share, commitments) ? share : undefined;
  } catch (error) {
    if (isAffiantError(error, "ERR_INPUT_SHARE")) return undefined;
    throw error;
  }
}
