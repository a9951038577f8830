import type { ChainClaims } from "../chain/registries.ts";
import type { LeafRun } from "./leafRun.ts";
import type { Refusal, Verification } from "./verifiedEntry.ts";

/**
 * How submissions and verdicts cross threads. Cloning many small objects costs more than checking half a signature does;
 * one block of bytes costs next to nothing.
 */
export interface PackedSubmissions {
  readonly id: number;
  readonly run: LeafRun;
}

export interface PackedVerifications {
  readonly id: number;
  /** {@link rowBytes} a submission. */
  readonly rows: Uint8Array<ArrayBuffer>;
  readonly claims: readonly ChainClaims[];
  readonly refusals: readonly Refusal[];
}

/** entryId (32), leaf hash (32), prev (32), seq (8), index into `claims`, or -1 - index into `refusals` (4). */
const rowBytes = 108;
const prevAt = 64;
const seqAt = 96;
const verdictAt = 104;

const noDisclosures: readonly string[] = [];

/**
 * What a thread found out about one leaf. Digests are a character a byte: as buffers each would come with memory of its
 * own, which costs as much as the digest.
 */
export interface Finding {
  readonly entryId: string;
  readonly leafHash: string;
  /** `0x…`, or null at seq 0. */
  readonly prev: string | null;
  readonly seq: number;
  readonly claims: ChainClaims;
}

/** Collects findings in the order of the submissions. */
export class VerificationPacker {
  readonly #rows: Buffer<ArrayBuffer>;
  readonly #claims: ChainClaims[] = [];
  readonly #refusals: Refusal[] = [];
  #count = 0;

  constructor(submissions: number) {
    this.#rows = Buffer.from(new ArrayBuffer(submissions * rowBytes));
  }

  found({ entryId, leafHash, prev, seq, claims }: Finding): void {
    const at = this.#count++ * rowBytes;
    const rows = this.#rows;
    rows.write(entryId, at, "latin1");
    rows.write(leafHash, at + 32, "latin1");
    if (prev !== null) rows.write(prev.slice(2), at + prevAt, "hex");
    rows.writeDoubleLE(seq, at + seqAt);
    rows.writeInt32LE(this.#claimsIndex(claims), at + verdictAt);
  }

  refused(refusal: Refusal): void {
    this.#rows.writeInt32LE(-this.#refusals.push(refusal), this.#count++ * rowBytes + verdictAt);
  }

  pack(id: number): PackedVerifications {
    return { id, rows: new Uint8Array(this.#rows.buffer), claims: this.#claims, refusals: this.#refusals };
  }

  /** An agent's entries come in runs: comparing with the last one finds nearly all that are alike. */
  #claimsIndex(claims: ChainClaims): number {
    const last = this.#claims.at(-1);
    const isSame =
      last !== undefined &&
      last.did === claims.did &&
      last.publicKeyHex === claims.publicKeyHex &&
      last.blockNumber === claims.blockNumber &&
      last.blockHash === claims.blockHash &&
      last.policy === claims.policy;
    return isSame ? this.#claims.length - 1 : this.#claims.push(claims) - 1;
  }
}

/**
 * @param row which of the findings
 * @param run where the entry came in: leaf and disclosures do not travel back
 * @param of index of the entry in `run`
 */
export function unpackVerification(
  { rows, claims, refusals }: PackedVerifications,
  row: number,
  { bytes, bounds, disclosures }: LeafRun,
  of: number,
): Verification {
  const at = row * rowBytes;
  const view = new DataView(rows.buffer, rows.byteOffset + at, rowBytes);
  const verdict = view.getInt32(verdictAt, true);
  if (verdict < 0) return { refusal: refusals[-1 - verdict] as Refusal };
  const seq = view.getFloat64(seqAt, true);
  return {
    entry: {
      leaf: bytes.subarray(bounds[2 * of], bounds[2 * of + 1]),
      entryId: rows.subarray(at, at + 32),
      leafHash: rows.subarray(at + 32, at + 64),
      prev: seq === 0 ? null : rows.subarray(at + prevAt, at + prevAt + 32),
      seq,
      claims: claims[verdict] as ChainClaims,
      disclosures: disclosures?.[of] ?? noDisclosures,
    },
  };
}

/** All findings, the first of them of entry `start` of `run`. */
export function unpackVerifications(packed: PackedVerifications, run: LeafRun, start: number): Verification[] {
  const count = packed.rows.length / rowBytes;
  return Array.from({ length: count }, (_, i) => unpackVerification(packed, i, run, start + i));
}
