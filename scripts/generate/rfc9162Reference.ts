/**
 * RFC 9162 §2.1 copied from its recursive definitions, with `node:crypto`: slow, and sharing no line and no idea with
 * `protocol/log`, whose verifiers climb by the bits of indices. Expected values of the tests and of `protocol/vectors/rfc9162.json` come from here.
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

/**
 * What a verifier must compute for a path, by the recursion of PATH read backwards; undefined if the path has another
 * length than the tree's shape asks for.
 */
export function rootOfPath(m: number, n: number, leafHash: Hash, path: readonly Hash[]): Hash | undefined {
  if (m < 0 || m >= n) return undefined;
  if (n === 1) return path.length === 0 ? leafHash : undefined;
  const sibling = path.at(-1);
  if (sibling === undefined) return undefined;
  const split = k(n);
  const inner =
    m < split
      ? rootOfPath(m, split, leafHash, path.slice(0, -1))
      : rootOfPath(m - split, n - split, leafHash, path.slice(0, -1));
  if (inner === undefined) return undefined;
  return m < split ? sha256(Uint8Array.of(0x01), inner, sibling) : sha256(Uint8Array.of(0x01), sibling, inner);
}

/**
 * The roots of the old and the new tree that a verifier must compute for a consistency proof, by the recursion of
 * SUBPROOF read backwards, for 0 < m ≤ n; undefined if the proof has another length than the shapes ask for.
 */
export function rootsOfProof(
  m: number,
  n: number,
  oldRoot: Hash,
  proof: readonly Hash[],
  b = true,
): [Hash, Hash] | undefined {
  if (m === n) {
    const [seed] = b ? [oldRoot] : proof;
    return seed !== undefined && proof.length === (b ? 0 : 1) ? [seed, seed] : undefined;
  }
  const sibling = proof.at(-1);
  if (sibling === undefined) return undefined;
  const split = k(n);
  const rest = proof.slice(0, -1);
  const inner =
    m <= split ? rootsOfProof(m, split, oldRoot, rest, b) : rootsOfProof(m - split, n - split, oldRoot, rest, false);
  if (inner === undefined) return undefined;
  const [before, after] = inner;
  return m <= split
    ? [before, sha256(Uint8Array.of(0x01), after, sibling)]
    : [sha256(Uint8Array.of(0x01), sibling, before), sha256(Uint8Array.of(0x01), sibling, after)];
}

/** Leaf hashes of the texts "leaf 0", "leaf 1", … */
export function numberedLeaves(count: number, prefix = "leaf"): Hash[] {
  return Array.from({ length: count }, (_, i) => leaf(Buffer.from(`${prefix} ${i}`)));
}
