import type { ChainClaims } from "../chain/registries.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";

/** What the sequencer needs of an entry whose form and signature are right. */
export interface VerifiedEntry {
  /** ASCII. */
  readonly leaf: Uint8Array;
  /** SHA-256 of the leaf. */
  readonly entryId: Uint8Array;
  /** SHA-256(0x00 || leaf), RFC 9162. */
  readonly leafHash: Uint8Array;
  readonly seq: number;
  /** entryId before, 32 bytes; null at seq 0. */
  readonly prev: Uint8Array | null;
  /** Who signed it and on which block; entries of one agent that came together share one. */
  readonly claims: ChainClaims;
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
