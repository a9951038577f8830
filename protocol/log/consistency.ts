import { bytesEqual } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { emptyRoot, hashLength, nodeHash } from "./hash.ts";
import { assertSize, isSize, type LeafRange, type NodeSource, rangeHash, splitPoint } from "./subtree.ts";

export interface ConsistencyClaim {
  readonly oldSize: number;
  /** 32 bytes. */
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  /** 32 bytes. */
  readonly newRoot: Uint8Array;
  /** 32 bytes each, in the order of RFC 9162 §2.1.4.1. */
  readonly proof: readonly Uint8Array[];
}

/**
 * The ranges of leaves whose hashes are the consistency proof (SUBPROOF of RFC 9162 §2.1.4.1), in proof order. None
 * when the old tree is empty (any tree extends it) or the sizes are equal.
 * @throws AffiantError ERR_INPUT_MALFORMED unless oldSize ≤ newSize
 */
export function consistencyProofRanges(oldSize: number, newSize: number): LeafRange[] {
  assertSize(oldSize, "oldSize");
  assertSize(newSize, "newSize");
  if (oldSize > newSize) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `a tree of size ${newSize} does not extend one of size ${oldSize}`);
  }
  if (oldSize === 0 || oldSize === newSize) return [];
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = newSize;
  while (end !== oldSize) {
    const middle = start + splitPoint(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The old tree itself is left out of the proof: the verifier has its root.
  if (start !== 0) ranges.push({ start, end });
  return ranges.reverse();
}

/**
 * The proof that the tree of `newSize` leaves begins with the tree of `oldSize`; O(log newSize) reads of `source`.
 * @throws AffiantError ERR_INPUT_MALFORMED unless oldSize ≤ newSize
 */
export function consistencyProof(source: NodeSource, oldSize: number, newSize: number): Uint8Array[] {
  return consistencyProofRanges(oldSize, newSize).map((range) => rangeHash(range, source));
}

/**
 * RFC 9162 §2.1.4.2, with the cases that its algorithm leaves to the caller: equal sizes need equal roots and no proof,
 * and from an empty tree (whose root must be the empty root) no proof is needed. Malformed claims are false.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { oldSize, oldRoot, newSize, newRoot, proof } = claim;
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize || newRoot.length !== hashLength) return false;
  if (oldSize === newSize) {
    if (oldSize === 0 && !bytesEqual(oldRoot, emptyRoot())) return false;
    return proof.length === 0 && bytesEqual(oldRoot, newRoot);
  }
  if (oldSize === 0) return proof.length === 0 && bytesEqual(oldRoot, emptyRoot());
  return climb(claim);
}

function climb({ oldSize, oldRoot, newSize, newRoot, proof }: ConsistencyClaim): boolean {
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (fn % 2 === 1) {
    fn = half(fn);
    sn = half(sn);
  }
  // fn = 0 here: the old tree is one complete subtree and the proof does not repeat its root.
  const path = fn === 0 ? [oldRoot, ...proof] : proof;
  const [seed, ...siblings] = path;
  if (seed === undefined || path.some((hash) => hash.length !== hashLength)) return false;
  let oldHash = seed;
  let newHash = seed;
  for (const sibling of siblings) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (fn % 2 === 0 && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && bytesEqual(oldHash, oldRoot) && bytesEqual(newHash, newRoot);
}

function half(n: number): number {
  return Math.floor(n / 2);
}
