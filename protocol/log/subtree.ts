import { AffiantError } from "../errors/affiantError.ts";
import { nodeHash } from "./hash.ts";

/** A complete subtree: the node of `level` (0 = leaves) over the leaves [index · 2^level, (index + 1) · 2^level). */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** Where proofs are made from: the 32-byte hash of a complete subtree (a database, tiles, an array). */
export type NodeSource = (level: number, index: number) => Uint8Array;

/** Leaves [start, end), at least one. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Sizes and indices are whole numbers below 2^53: exact in JSON and far beyond any log. Every division below is a real
 * one, since JavaScript's shifts cut at 32 bits.
 */
export function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @throws AffiantError ERR_INPUT_MALFORMED */
export function assertSize(value: number, name: string): void {
  if (!isSize(value)) throw new AffiantError("ERR_INPUT_MALFORMED", `${name} is not a whole number below 2^53`);
}

/** The largest power of two smaller than n, for n ≥ 2 ("k" in RFC 9162 §2.1.1). */
export function splitPoint(n: number): number {
  return 2 ** floorLog2(n - 1);
}

/** Exact for every whole number from 1 to 2^53, as `Math.log2` is not. */
function floorLog2(n: number): number {
  return n < 2 ** 32 ? 31 - Math.clz32(n) : 63 - Math.clz32(Math.floor(n / 2 ** 32));
}

/**
 * The complete subtrees that a range of leaves falls into, left to right, as few as possible. The range must be one that
 * RFC 9162's recursion makes: its start a multiple of the smallest power of two that is at least its length.
 */
export function completeSubtrees({ start, end }: LeafRange): NodeId[] {
  const nodes: NodeId[] = [];
  let level = end > start ? floorLog2(end - start) : 0;
  let width = 2 ** level;
  for (let at = start; at < end; at += width) {
    while (width > end - at) {
      width /= 2;
      level--;
    }
    nodes.push({ level, index: at / width });
  }
  return nodes;
}

/**
 * MTH of a range of leaves (as {@link completeSubtrees} takes it): the subtrees are folded from the right, because the
 * recursion splits off the largest complete subtree on the left first.
 */
export function rangeHash(range: LeafRange, source: NodeSource): Uint8Array {
  const nodes = completeSubtrees(range);
  let hash: Uint8Array | undefined;
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as NodeId;
    const left = source(node.level, node.index);
    hash = hash === undefined ? left : nodeHash(left, hash);
  }
  if (hash === undefined) throw new AffiantError("ERR_INPUT_MALFORMED", "a range of leaves has at least one leaf");
  return hash;
}
