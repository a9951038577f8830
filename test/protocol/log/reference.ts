/**
 * RFC 9162 §2.1 copied from its recursive definitions, with `node:crypto`: slow, and sharing no line and no idea with
 * `protocol/log`. Expected values of the tests and of `protocol/vectors/rfc9162.json` come from here.
 */
import { createHash } from "node:crypto";

type Hash = Uint8Array;

function sha256(...parts: readonly Uint8Array[]): Hash {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** The largest power of two smaller than n. */
function k(n: number): number {
  return 2 ** Math.ceil(Math.log2(n) - 1);
}

/** §2.1.1 */
export function leaf(d: Uint8Array): Hash {
  return sha256(Uint8Array.of(0x00), d);
}

/** §2.1.1, over leaf hashes instead of data. */
export function MTH(D: readonly Hash[]): Hash {
  const [only] = D;
  if (only === undefined) return sha256();
  if (D.length === 1) return only;
  const split = k(D.length);
  return sha256(Uint8Array.of(0x01), MTH(D.slice(0, split)), MTH(D.slice(split)));
}

/** §2.1.3.1 */
export function PATH(m: number, D: readonly Hash[]): Hash[] {
  if (D.length === 1) return [];
  const split = k(D.length);
  return m < split
    ? [...PATH(m, D.slice(0, split)), MTH(D.slice(split))]
    : [...PATH(m - split, D.slice(split)), MTH(D.slice(0, split))];
}

/** §2.1.4.1, for 0 < m < n */
export function PROOF(m: number, D: readonly Hash[]): Hash[] {
  return SUBPROOF(m, D, true);
}

function SUBPROOF(m: number, D: readonly Hash[], b: boolean): Hash[] {
  if (m === D.length) return b ? [] : [MTH(D)];
  const split = k(D.length);
  return m <= split
    ? [...SUBPROOF(m, D.slice(0, split), b), MTH(D.slice(split))]
    : [...SUBPROOF(m - split, D.slice(split), false), MTH(D.slice(0, split))];
}

/** Leaf hashes of the texts "leaf 0", "leaf 1", … */
export function numberedLeaves(count: number, prefix = "leaf"): Hash[] {
  return Array.from({ length: count }, (_, i) => leaf(Buffer.from(`${prefix} ${i}`)));
}
