import { hash } from "node:crypto";

import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { openDisclosures } from "../../protocol/entry/disclosure.ts";
import { verifyEntrySignature } from "../../protocol/entry/verifyEntry.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type ErrorCode } from "../../protocol/errors/codes.ts";

/** What the sequencer needs of an entry whose form and signature are right. Plain data: it crosses threads. */
export interface VerifiedEntry {
  readonly leaf: string;
  /** SHA-256 of the leaf. */
  readonly entryId: Uint8Array;
  /** SHA-256(0x00 || leaf), RFC 9162. */
  readonly leafHash: Uint8Array;
  readonly did: string;
  readonly publicKeyHex: string;
  readonly seq: number;
  /** `0x…`, or null at seq 0. */
  readonly prev: string | null;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly policy: string;
  /** Disclosure texts that were sent along and belong to the entry. */
  readonly disclosures: readonly string[];
}

/** A refusal that can cross threads. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

export type Verification =
  | { readonly entry: VerifiedEntry; readonly refusal?: undefined }
  | { readonly refusal: Refusal; readonly entry?: undefined };

export interface Submission {
  readonly leaf: string;
  readonly disclosures: readonly string[];
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/** Decodes a leaf strictly and checks its signature and disclosures. Never throws. */
export function verifySubmission({ leaf, disclosures }: Submission): Verification {
  try {
    const decoded = decodeLeaf(leaf, sha256);
    if (!verifyEntrySignature(decoded, verifyNative)) {
      throw new AffiantError("ERR_PROOF_SIGNATURE", "the entry's signature does not verify under the key it names");
    }
    const { claims, publicKey } = decoded;
    if (disclosures.length > 0) openDisclosures(claims._sd, disclosures);
    const tagged = Buffer.allocUnsafe(1 + leaf.length);
    tagged[0] = 0;
    tagged.write(leaf, 1, "latin1");
    return {
      entry: {
        leaf,
        entryId: fromHex(decoded.entryId),
        leafHash: sha256(tagged),
        did: claims.iss,
        publicKeyHex: toHex(publicKey),
        seq: claims.seq,
        prev: claims.prev,
        blockNumber: claims.nb.blockNumber,
        blockHash: claims.nb.blockHash,
        policy: claims.policy,
        disclosures,
      },
    };
  } catch (error) {
    if (isAffiantError(error)) return { refusal: { code: error.code, message: error.message } };
    return { refusal: { code: "ERR_INTERNAL_UNEXPECTED", message: "the entry could not be read" } };
  }
}
