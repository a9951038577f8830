import { AffiantError } from "../errors/affiantError.ts";
import { emptyRoot, hashLength, nodeHash } from "./hash.ts";
import { assertSize, type NodeId } from "./subtree.ts";

/** Told of every node that becomes complete, lowest first, so that a store can keep it. */
export type NodeSink = (level: number, index: number, hash: Uint8Array) => void;

/**
 * The right edge of an append-only tree: the roots of its complete subtrees, largest first, as many as the size has
 * one-bits. It is all that appending and the root need: O(log n) memory, O(1) amortised an append.
 */
export class CompactRange {
  #size = 0;
  readonly #peaks: Uint8Array[] = [];
  readonly #hash: typeof nodeHash;

  /** @param hash that of inner nodes; programs that append in bulk pass a native one */
  constructor(hash: typeof nodeHash = nodeHash) {
    this.#hash = hash;
  }

  /**
   * @param peaks the edge as {@link CompactRange.peaks} gave it
   * @throws AffiantError ERR_INPUT_MALFORMED if the number or length of the hashes does not fit the size
   */
  static restore(size: number, peaks: readonly Uint8Array[], hash: typeof nodeHash = nodeHash): CompactRange {
    assertSize(size, "size");
    if (peaks.length !== peakIds(size).length || peaks.some((peak) => peak.length !== hashLength)) {
      throw new AffiantError("ERR_INPUT_MALFORMED", `not the right edge of a tree of size ${size}`);
    }
    const range = new CompactRange(hash);
    range.#size = size;
    range.#peaks.push(...peaks);
    return range;
  }

  get size(): number {
    return this.#size;
  }

  /** Largest first. A copy of the list; the hashes are shared and must not be written to. */
  get peaks(): readonly Uint8Array[] {
    return [...this.#peaks];
  }

  /** @param hash the leaf hash, 32 bytes */
  append(hash: Uint8Array, sink?: NodeSink): void {
    if (hash.length !== hashLength) throw new AffiantError("ERR_INPUT_MALFORMED", "a leaf hash has 32 bytes");
    let level = 0;
    let index = this.#size;
    let node = hash;
    sink?.(level, index, node);
    while (index % 2 === 1) {
      node = this.#hash(this.#peaks.pop() as Uint8Array, node);
      level++;
      index = (index - 1) / 2;
      sink?.(level, index, node);
    }
    this.#peaks.push(node);
    this.#size++;
  }

  /** MTH of all leaves so far. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (let i = this.#peaks.length - 1; i >= 0; i--) {
      const peak = this.#peaks[i] as Uint8Array;
      root = root === undefined ? peak : this.#hash(peak, root);
    }
    return root ?? emptyRoot();
  }

  /** An independent copy, to try appends that may be given up. */
  clone(): CompactRange {
    return CompactRange.restore(this.#size, this.#peaks, this.#hash);
  }
}

/** The complete subtrees of a tree of `size` leaves, largest first: which nodes make up its right edge. */
export function peakIds(size: number): NodeId[] {
  const ids: NodeId[] = [];
  let level = 0;
  for (let width = 1, rest = size; rest > 0; width *= 2, level++) {
    if (rest % (width * 2) === 0) continue;
    rest -= width;
    ids.unshift({ level, index: rest / width });
  }
  return ids;
}

/** MTH of a list of leaf hashes (RFC 9162 §2.1.1). */
export function rootFromLeafHashes(leafHashes: Iterable<Uint8Array>): Uint8Array {
  const range = new CompactRange();
  for (const hash of leafHashes) range.append(hash);
  return range.root();
}
