import type { Delivery } from "../../agent/escrow/receiveKey.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { type Commitments, deal, recoveryPrivateKey, scalarFrom } from "../../protocol/escrow/feldman.ts";
import { encryptionKeyOf } from "../../protocol/hpke/hpke.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import { sealedHashOf } from "../../protocol/escrow/sealedKey.ts";
import { sealShare } from "../../protocol/escrow/sealedShare.ts";
import { sealedTree } from "../../protocol/escrow/sealedTree.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface Trustee {
  readonly address: string;
  /** X25519. */
  readonly encryptionKey: Uint8Array;
}

export interface DealInput {
  readonly group: EscrowGroup;
  /** The one after the contract's last. */
  readonly generation: bigint;
  readonly trustees: readonly Trustee[];
  readonly threshold: number;
  readonly dealerPrivateKey: Uint8Array;
  readonly random: (length: 32 | 64) => Uint8Array;
}

/** What `setTrustees` takes, and what each trustee is to be sent. No secret is in it. */
export interface Dealt {
  /** Ascending. */
  readonly trustees: readonly string[];
  readonly commitments: Commitments;
  readonly sharesRoot: Hex;
  readonly recoveryKey: Hex;
  /** By lower-case address. */
  readonly shares: ReadonlyMap<string, Delivery>;
}

/**
 * Draws the secret of a group's recovery key, shares it among the trustees, and forgets it. The dealer could keep it: who
 * deals is trusted once, and a refresh among the trustees does not take that back.
 */
export async function dealShares(input: DealInput): Promise<Dealt> {
  const { group, generation, threshold, dealerPrivateKey, random } = input;
  if (threshold < 2) throw new AffiantError("ERR_INPUT_SHARE", "a threshold of one is no sharing");
  const trustees = [...input.trustees].sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));
  const secret = scalarFrom(random(64));
  const coefficients = Array.from({ length: threshold - 1 }, () => scalarFrom(random(64)));
  const { shares, commitments } = deal(secret, coefficients, trustees.length);
  const sealed = await Promise.all(
    trustees.map(async ({ address, encryptionKey }, i) => {
      const share = shares[i];
      if (!share) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "there are fewer shares than trustees");
      const seat = { group, generation, trustee: address, index: share.index, commitments };
      const keys = { recipientKey: encryptionKey, senderPrivateKey: dealerPrivateKey, ephemeralSeed: random(32) };
      const bytes = await sealShare({ seat, share, ...keys });
      return { leaf: { holder: address, sealedHash: sealedHashOf(bytes) }, bytes };
    }),
  );
  const tree = sealedTree(sealed.map(({ leaf }) => leaf));
  return {
    trustees: trustees.map(({ address }) => address),
    commitments,
    sharesRoot: tree.root,
    recoveryKey: toHex(encryptionKeyOf(recoveryPrivateKey(secret))),
    shares: new Map(
      sealed.map(({ leaf, bytes }) => [leaf.holder.toLowerCase(), { sealed: bytes, merkleProof: tree.proofOf(leaf) }]),
    ),
  };
}
