import { matchesCommitment } from "./epochKey.ts";
import { hpkeOpenWith, sharedSecretOf } from "../hpke/hpke.ts";
import type { EscrowEpoch } from "./ids.ts";
import { contextOf, type OpenKeyInput, parseSealed, sealedHashOf } from "./sealedKey.ts";
import { isUnderRoot } from "./sealedTree.ts";
import { canonicalJsonBytes } from "../json/canonical.ts";
import { fromHex, type Hex, isHex, toHex } from "../encoding/hex.ts";
import { AffiantError, isAffiantError } from "../errors/affiantError.ts";

/**
 * Proof that a publisher sealed to a member something else than the key it committed to. It shows the shared secret of
 * that one ciphertext: not the member's private key, and no key that anybody uses, since members use only keys that match
 * the commitment. Nobody needs to believe the member: the sealed key is under the root that the publisher's transaction
 * put on chain, and only the true shared secret opens it.
 *
 * What it cannot prove is a sealed key that does not open at all: there no secret fits. The report of it stands on chain,
 * and rotation answers it.
 */
export interface MisdeliveryProof {
  readonly format: "affiant-misdelivery/1";
  readonly chainId: number;
  readonly escrow: string;
  readonly group: Hex;
  readonly epoch: number;
  readonly member: string;
  readonly sealed: Hex;
  readonly merkleProof: readonly Hex[];
  readonly sharedSecret: Hex;
}

/** What the chain says of the epoch. */
export interface CommittedEpoch {
  readonly membersRoot: Hex;
  readonly keyCommitment: Hex;
}

/** @returns the proof; undefined if the sealed key holds what was committed to, or does not open (nothing can be shown) */
export async function proveMisdelivery(
  input: OpenKeyInput,
  merkleProof: readonly Hex[],
): Promise<MisdeliveryProof | undefined> {
  const { epoch, member, sealed, keyCommitment } = input;
  const { enc, ciphertext } = parseSealed(sealed);
  const keys = { recipientPrivateKey: input.memberPrivateKey, senderKey: input.publisherKey };
  const sharedSecret = await sharedSecretOf({ enc, ...keys });
  const opened = await opensTo(sharedSecret, input, ciphertext);
  if (opened === undefined || matchesCommitment(epoch, opened, keyCommitment)) return undefined;
  return {
    format: "affiant-misdelivery/1",
    chainId: Number(epoch.chainId),
    escrow: epoch.escrow,
    group: epoch.group,
    epoch: Number(epoch.epoch),
    member,
    sealed: toHex(sealed),
    merkleProof,
    sharedSecret: toHex(sharedSecret),
  };
}

/** Why a proof proves nothing: `holds` if it does. */
export type MisdeliveryVerdict = "holds" | "not-under-root" | "does-not-open" | "matches-commitment";

/**
 * Checks a proof against the epoch as the chain has it, which the caller reads by the proof's own group and epoch.
 * @throws AffiantError ERR_INPUT_SEALED_KEY if it is malformed
 */
export async function verifyMisdelivery(
  proof: MisdeliveryProof,
  committed: CommittedEpoch,
): Promise<MisdeliveryVerdict> {
  checkForm(proof);
  const sealed = fromHex(proof.sealed);
  const { ciphertext } = parseSealed(sealed);
  const leaf = { holder: proof.member, sealedHash: sealedHashOf(sealed) };
  if (!isUnderRoot(committed.membersRoot, leaf, proof.merkleProof)) return "not-under-root";
  const { chainId, escrow, group } = proof;
  const epoch: EscrowEpoch = { chainId: BigInt(chainId), escrow, group, epoch: BigInt(proof.epoch) };
  const context = { epoch, member: proof.member, keyCommitment: committed.keyCommitment };
  const opened = await opensTo(fromHex(proof.sharedSecret, 32), context, ciphertext);
  if (opened === undefined) return "does-not-open";
  return matchesCommitment(epoch, opened, committed.keyCommitment) ? "matches-commitment" : "holds";
}

/** The bytes whose SHA-256 is reported on chain: RFC 8785. */
export function misdeliveryBytes(proof: MisdeliveryProof): Uint8Array {
  return canonicalJsonBytes(proof);
}

async function opensTo(
  sharedSecret: Uint8Array,
  context: Parameters<typeof contextOf>[0],
  ciphertext: Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    return await hpkeOpenWith(sharedSecret, { ...contextOf(context), ciphertext });
  } catch (error) {
    if (isAffiantError(error, "ERR_PROOF_SEALED_KEY")) return undefined;
    throw error;
  }
}

function checkForm(proof: MisdeliveryProof): void {
  const counts = [proof.chainId, proof.epoch].every((count) => Number.isSafeInteger(count) && count > 0);
  const address = /^0x[0-9a-fA-F]{40}$/;
  const addresses = address.test(proof.escrow) && address.test(proof.member);
  const words = [proof.group, proof.sharedSecret, ...proof.merkleProof].every((word) => isHex(word, 32));
  if (proof.format !== "affiant-misdelivery/1" || !counts || !addresses || !words) {
    throw new AffiantError("ERR_INPUT_SEALED_KEY", "not a proof of misdelivery");
  }
}
