import type { Delivery } from "../../agent/escrow/receiveKey.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { keyCommitmentOf } from "../../protocol/escrow/epochKey.ts";
import type { EscrowEpoch } from "../../protocol/escrow/ids.ts";
import { sealedHashOf, sealKey } from "../../protocol/escrow/sealedKey.ts";
import { sealedTree } from "../../protocol/escrow/sealedTree.ts";

/** Who gets a key, and the X25519 key to seal it to. */
export interface Recipient {
  readonly holder: string;
  readonly encryptionKey: Uint8Array;
}

/** An epoch as it can be published: no secret is in it any more. */
export interface EpochDraft {
  readonly epoch: EscrowEpoch;
  readonly membersRoot: Hex;
  readonly keyCommitment: Hex;
  /** Ascending, as the contract wants them. */
  readonly members: readonly string[];
  /** By lower-case address of the holder. */
  readonly deliveries: ReadonlyMap<string, Delivery>;
}

export interface DraftInput {
  readonly epoch: EscrowEpoch;
  readonly members: readonly Recipient[];
  /** Where the key is sealed for trustees: the escrow's own address stands for them in the tree. */
  readonly recoveryKey?: Uint8Array;
  readonly publisherPrivateKey: Uint8Array;
  /** A cryptographic source; called for 32 bytes at a time. */
  readonly random: (length: 32) => Uint8Array;
}

/**
 * Draws a fresh key and seals it to each member. Nothing of it depends on an earlier key, and the plain key ends here: it
 * is in no field of what comes back, and is overwritten before this returns.
 */
export async function draftEpoch(input: DraftInput): Promise<EpochDraft> {
  const { epoch, publisherPrivateKey, random } = input;
  const secret = { key: random(32), salt: random(32) };
  try {
    const keyCommitment = keyCommitmentOf(epoch, secret);
    const recovery = input.recoveryKey ? [{ holder: epoch.escrow, encryptionKey: input.recoveryKey }] : [];
    const sealed = await Promise.all(
      [...input.members, ...recovery].map(async ({ holder, encryptionKey: memberKey }) => {
        const place = { epoch, member: holder, memberKey, publisherPrivateKey, keyCommitment };
        const bytes = await sealKey({ ...place, secret, ephemeralSeed: random(32) });
        return { leaf: { holder, sealedHash: sealedHashOf(bytes) }, bytes };
      }),
    );
    const tree = sealedTree(sealed.map(({ leaf }) => leaf));
    return {
      epoch,
      membersRoot: tree.root,
      keyCommitment,
      members: input.members.map(({ holder }) => holder).sort(byAddress),
      deliveries: new Map(
        sealed.map(({ leaf, bytes }) => [
          leaf.holder.toLowerCase(),
          { sealed: bytes, merkleProof: tree.proofOf(leaf) },
        ]),
      ),
    };
  } finally {
    secret.key.fill(0);
    secret.salt.fill(0);
  }
}

function byAddress(a: string, b: string): number {
  return a.toLowerCase() < b.toLowerCase() ? -1 : 1;
}
