import { consistencyProofRanges } from "./consistency.ts";
import { emptyRoot } from "./hash.ts";
import { inclusionProofRanges } from "./inclusion.ts";
import { assertSize, type LeafRange, type NodeSource, rangeHash } from "./subtree.ts";

/**
 * The tree at one size, to make many proofs from. The hashes that differ between sizes (those of ranges that end with
 * the tree, at most one a level) are computed once; every other hash of a proof is a stored node.
 */
export class TreeAt {
  readonly size: number;
  readonly #source: NodeSource;
  /** By the start of the range; all of them end at `size`. */
  readonly #edge = new Map<number, Uint8Array>();

  /** @throws AffiantError ERR_INPUT_MALFORMED for what is no size */
  constructor(source: NodeSource, size: number) {
    assertSize(size, "size");
    this.size = size;
    this.#source = source;
  }

  /** 32 bytes. */
  root(): Uint8Array {
    return this.size === 0 ? emptyRoot() : this.#hash({ start: 0, end: this.size });
  }

  /** As `inclusionProof`. @throws AffiantError ERR_INPUT_MALFORMED unless index < size */
  inclusionProof(index: number): Uint8Array[] {
    return inclusionProofRanges(index, this.size).map((range) => this.#hash(range));
  }

  /** As `consistencyProof` from `oldSize`. @throws AffiantError ERR_INPUT_MALFORMED unless oldSize ≤ size */
  consistencyProof(oldSize: number): Uint8Array[] {
    return consistencyProofRanges(oldSize, this.size).map((range) => this.#hash(range));
  }

  #hash(range: LeafRange): Uint8Array {
    if (range.end !== this.size) return rangeHash(range, this.#source);
    let hash = this.#edge.get(range.start);
    if (hash === undefined) {
      hash = rangeHash(range, this.#source);
      this.#edge.set(range.start, hash);
    }
    return hash;
  }
}
