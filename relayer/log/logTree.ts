import { LRUCache } from "lru-cache";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { CompactRange, peakIds } from "../../protocol/log/compactRange.ts";
import { consistencyProof } from "../../protocol/log/consistency.ts";
import { inclusionProof } from "../../protocol/log/inclusion.ts";
import type { NodeSource } from "../../protocol/log/subtree.ts";
import type { EntryStore } from "../store/entryStore.ts";
import type { Tile, TreeStore } from "../store/treeStore.ts";
import { nodeHashNative } from "./nativeHash.ts";

/** Leaves of a tile, and levels of the tree a tile spans (C2SP tlog-tiles). */
const tileWidth = 256;
const tileHeight = 8;

/** An append that was computed but is not yet durable. `apply` takes it over once it is. */
export interface StagedAppend {
  readonly size: number;
  readonly root: Uint8Array;
  readonly fullTiles: readonly Tile[];
  /** Complete subtrees of the staged tree, as far as proofs of the staged leaves need them. */
  readonly node: NodeSource;
  apply(): void;
}

/**
 * The RFC 9162 tree over the stored entries. In memory it holds the right edge and the last, partial tile of each
 * level; everything left of that is read from full tiles. So an append costs O(1), a proof O(log n) reads, and memory
 * does not grow with the log.
 */
export class LogTree {
  readonly #tiles: TreeStore;
  readonly #cache = new LRUCache<string, Uint8Array[]>({ max: 256 });
  #edge: CompactRange;
  /** #partial[k]: hashes in the unfinished tile of tile level k. */
  #partial: Uint8Array[][];

  /**
   * Recomputes the right edge from the stored leaves of the last tile and the roots of full tiles.
   * @throws AffiantError ERR_CONFLICT_LOG_FORK if tiles are missing or indices are not contiguous
   */
  constructor(entries: EntryStore, tiles: TreeStore) {
    this.#tiles = tiles;
    const size = entries.size();
    this.#partial = loadPartialTiles(size, entries, tiles);
    this.#edge = restoreEdge(size, this.#partial);
  }

  get size(): number {
    return this.#edge.size;
  }

  root(): Uint8Array {
    return this.#edge.root();
  }

  /** Root of the tree when it had `size` leaves. */
  rootAt(size: number): Uint8Array {
    if (size > this.size) throw beyond(size, this.size);
    const peaks = peakIds(size).map(({ level, index }) => this.node(level, index));
    return CompactRange.restore(size, peaks).root();
  }

  /** @throws AffiantError ERR_NOT_FOUND_PROOF for what the log has not reached */
  inclusion(index: number, size: number): Uint8Array[] {
    if (size > this.size || index >= size) throw beyond(Math.max(size, index + 1), this.size);
    return inclusionProof((level, at) => this.node(level, at), index, size);
  }

  /** @throws AffiantError ERR_NOT_FOUND_PROOF for what the log has not reached */
  consistency(oldSize: number, newSize: number): Uint8Array[] {
    if (newSize > this.size || oldSize > newSize) throw beyond(Math.max(oldSize, newSize), this.size);
    return consistencyProof((level, at) => this.node(level, at), oldSize, newSize);
  }

  /** The first `count` hashes of a tile (1 to 256), or undefined if the log has not come that far. */
  tileHashes(tileLevel: number, index: number, count: number): Uint8Array[] | undefined {
    const have = Math.floor(this.size / tileWidth ** tileLevel) - index * tileWidth;
    return have < count ? undefined : this.#tileNodes(tileLevel, index).slice(0, count);
  }

  /** Computes an append without changing anything, so that the store may fail and nothing happened. */
  stage(leafHashes: readonly Uint8Array[]): StagedAppend {
    const edge = this.#edge.clone();
    const partial = this.#partial.map((hashes) => [...hashes]);
    const fresh = new NodeMap();
    // Left of the staged leaves a proof only touches the complete subtrees of the old right edge.
    const peaks = this.#edge.peaks;
    peakIds(this.size).forEach(({ level, index }, i) => fresh.set(level, index, peaks[i] as Uint8Array));
    const fullTiles: Tile[] = [];
    for (const leafHash of leafHashes) {
      edge.append(leafHash, (level, index, hash) => fresh.set(level, index, hash));
      addToTiles(partial, 0, leafHash, edge.size, fullTiles, fresh);
    }
    return {
      size: edge.size,
      root: edge.root(),
      fullTiles,
      node: (level, at) => fresh.get(level, at) ?? this.node(level, at),
      apply: () => {
        this.#edge = edge;
        this.#partial = partial;
      },
    };
  }

  /** Hash of the complete subtree over leaves [index · 2^level, (index + 1) · 2^level). */
  node(level: number, index: number): Uint8Array {
    const width = 2 ** (level % tileHeight);
    const first = index * width;
    const tile = this.#tileNodes(Math.floor(level / tileHeight), Math.floor(first / tileWidth));
    const hashes = tile.slice(first % tileWidth, (first % tileWidth) + width);
    if (hashes.length !== width) throw new Error(`node ${level}/${index} is not complete`);
    return perfectRoot(hashes);
  }

  #tileNodes(tileLevel: number, tileIndex: number): readonly Uint8Array[] {
    const complete = Math.floor(this.size / tileWidth ** (tileLevel + 1));
    if (tileIndex >= complete) return this.#partial[tileLevel] ?? [];
    const key = `${tileLevel}/${tileIndex}`;
    let hashes = this.#cache.get(key);
    if (!hashes) {
      const bytes = this.#tiles.tile(tileLevel, tileIndex);
      if (!bytes) throw new AffiantError("ERR_CONFLICT_LOG_FORK", `tile ${key} is missing from the database`);
      hashes = splitHashes(bytes);
      this.#cache.set(key, hashes);
    }
    return hashes;
  }
}

class NodeMap {
  readonly #levels: Map<number, Uint8Array>[] = [];

  set(level: number, index: number, hash: Uint8Array): void {
    (this.#levels[level] ??= new Map()).set(index, hash);
  }

  get(level: number, index: number): Uint8Array | undefined {
    return this.#levels[level]?.get(index);
  }
}

/**
 * Puts a hash into the unfinished tile of its level; a tile that became full moves its root one level up.
 * @param nodes all that became complete with the leaf, the tile's root among them
 */
function addToTiles(
  partial: Uint8Array[][],
  level: number,
  hash: Uint8Array,
  size: number,
  full: Tile[],
  nodes: NodeMap,
): void {
  const hashes = (partial[level] ??= []);
  hashes.push(hash);
  if (hashes.length < tileWidth) return;
  const index = size / tileWidth ** (level + 1) - 1;
  const root = nodes.get((level + 1) * tileHeight, index) ?? perfectRoot(hashes);
  full.push({ level, index, hashes: Buffer.concat(hashes), root });
  partial[level] = [];
  addToTiles(partial, level + 1, root, size, full, nodes);
}

function loadPartialTiles(size: number, entries: EntryStore, tiles: TreeStore): Uint8Array[][] {
  const partial: Uint8Array[][] = [];
  for (let level = 0, count = size; level === 0 || count > 0; level++) {
    const start = count - (count % tileWidth);
    const hashes = level === 0 ? entries.leafHashes(start, count) : tiles.tileRoots(level - 1, start, count);
    if (hashes.length !== count - start) {
      throw new AffiantError(
        "ERR_CONFLICT_LOG_FORK",
        `the log lacks entries or tiles below level ${level} at ${start}`,
      );
    }
    partial.push(hashes);
    count = start / tileWidth;
  }
  return partial;
}

function restoreEdge(size: number, partial: readonly Uint8Array[][]): CompactRange {
  const peaks = peakIds(size).map(({ level, index }) => {
    const width = 2 ** (level % tileHeight);
    const offset = (index * width) % tileWidth;
    return perfectRoot((partial[Math.floor(level / tileHeight)] ?? []).slice(offset, offset + width));
  });
  return CompactRange.restore(size, peaks, nodeHashNative);
}

/** Root over 2^k hashes. */
export function perfectRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < row.length; i += 2) above.push(nodeHashNative(row[i] as Uint8Array, row[i + 1] as Uint8Array));
    row = above;
  }
  return row[0] as Uint8Array;
}

function splitHashes(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(i * 32, i * 32 + 32));
}

function beyond(asked: number, size: number): AffiantError {
  return new AffiantError("ERR_NOT_FOUND_PROOF", `the log has ${size} entries, not ${asked}`, { details: { size } });
}
