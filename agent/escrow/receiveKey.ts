import type { PublishedEpoch } from "./escrowReader.ts";
import { fromHex, type Hex } from "../../protocol/encoding/hex.ts";
import { type EpochKey, matchesCommitment, unpackEpochKey } from "../../protocol/escrow/epochKey.ts";
import type { EscrowEpoch } from "../../protocol/escrow/ids.ts";
import { type MisdeliveryProof, proveMisdelivery } from "../../protocol/escrow/misdelivery.ts";
import { openKey, sealedHashOf } from "../../protocol/escrow/sealedKey.ts";
import { isUnderRoot } from "../../protocol/escrow/sealedTree.ts";
import type { RecipientKey } from "../../protocol/hpke/hpke.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";

/** What a member fetches: its sealed key, and that it is under the epoch's root. */
export interface Delivery {
  readonly sealed: Uint8Array;
  readonly merkleProof: readonly Hex[];
}

export interface ReceiveInput {
  readonly epoch: EscrowEpoch;
  readonly member: string;
  readonly memberPrivateKey: RecipientKey;
  readonly published: PublishedEpoch;
  readonly delivery: Delivery;
}

/**
 * `opened`: the key committed to. `misdelivered`: another one, with proof of it. `unopenable`: what stands under the root
 * does not open at all, of which the report on chain is all there can be.
 */
export type Received =
  | { readonly kind: "opened"; readonly secret: EpochKey }
  | { readonly kind: "misdelivered"; readonly proof: MisdeliveryProof; readonly sealedKeyHash: Hex }
  | { readonly kind: "unopenable"; readonly sealedKeyHash: Hex };

/**
 * Opens a sealed key and compares it with what the publisher committed to on chain.
 * @throws AffiantError ERR_PROOF_SEALED_KEY if it is not the publisher's (not under the root): whoever delivers it changed
 *   it, and the true one can be asked for again
 */
export async function receiveKey(input: ReceiveInput): Promise<Received> {
  const { epoch, member, memberPrivateKey, published, delivery } = input;
  const sealedKeyHash = sealedHashOf(delivery.sealed);
  const leaf = { holder: member, sealedHash: sealedKeyHash };
  if (!isUnderRoot(published.membersRoot, leaf, delivery.merkleProof)) {
    throw new AffiantError("ERR_PROOF_SEALED_KEY", "the sealed key is not the one that the publisher committed to");
  }
  const { keyCommitment } = published;
  const publisherKey = fromHex(published.publisherKey, 32);
  const opening = { epoch, member, memberPrivateKey, publisherKey, keyCommitment, sealed: delivery.sealed };
  try {
    const opened = await openKey(opening);
    const secret = unpackEpochKey(opened);
    if (secret && matchesCommitment(epoch, opened, keyCommitment)) return { kind: "opened", secret };
    const proof = await proveMisdelivery(opening, delivery.merkleProof);
    return proof ? { kind: "misdelivered", proof, sealedKeyHash } : { kind: "unopenable", sealedKeyHash };
  } catch (error) {
    const unopenable = isAffiantError(error, "ERR_PROOF_SEALED_KEY") || isAffiantError(error, "ERR_INPUT_SEALED_KEY");
    if (unopenable) return { kind: "unopenable", sealedKeyHash };
    throw error;
  }
}
