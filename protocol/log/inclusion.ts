import { bytesEqual } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { hashLength, nodeHash } from "./hash.ts";
import { assertSize, isSize, type LeafRange, type NodeSource, rangeHash, splitPoint } from "./subtree.ts";

export interface InclusionClaim {
  /** Zero-based. */
  readonly index: number;
  readonly size: number;
  /** 32 bytes: `leafHash(entry)`. */
  readonly leafHash: Uint8Array;
  /** 32 bytes each, from the leaf's sibling up. */
  readonly proof: readonly Uint8Array[];
  /** 32 bytes: the root of the tree of `size` leaves. */
  readonly root: Uint8Array;
}

/**
 * The ranges of leaves whose hashes are the inclusion proof of a leaf, in proof order (PATH of RFC 9162 §2.1.3.1).
 * `completeSubtrees` turns each into stored nodes: an asynchronous store can fetch all of them first.
 * @throws AffiantError ERR_INPUT_MALFORMED unless index < size
 */
export function inclusionProofRanges(index: number, size: number): LeafRange[] {
  assertSize(size, "size");
  if (!isSize(index) || index >= size) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `no leaf ${index} in a tree of size ${size}`);
  }
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/**
 * The inclusion proof of leaf `index` in the tree of `size` leaves; O(log size) reads of `source`.
 * @throws AffiantError ERR_INPUT_MALFORMED unless index < size
 */
export function inclusionProof(source: NodeSource, index: number, size: number): Uint8Array[] {
  return inclusionProofRanges(index, size).map((range) => rangeHash(range, source));
}

/**
 * RFC 9162 §2.1.3.2. True only for the one proof that fits: of the exact length, every hash 32 bytes. Malformed claims
 * are false, never an exception, because they come from whoever wants to be believed.
 */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, leafHash, proof, root } = claim;
  if (!isSize(index) || !isSize(size) || index >= size || leafHash.length !== hashLength) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (sn === 0 || sibling.length !== hashLength) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash);
      // A right-edge node without sibling moves up unchanged until it is a right child.
      while (fn % 2 === 0 && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && bytesEqual(hash, root);
}

function half(n: number): number {
  return Math.floor(n / 2);
}
