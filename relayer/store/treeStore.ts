import { type StatementSync } from "node:sqlite";

import { type Database } from "./database.ts";

/** A full tile: 256 hashes of 32 bytes, and the root of the perfect tree over them. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
  readonly root: Uint8Array;
}

export interface StoredCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note, C2SP tlog-checkpoint. */
  readonly note: string;
}

export interface StoredAnchor {
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly blockNumber: number;
  readonly txHash: string | null;
}

interface AnchorRow {
  idx: number;
  size: number;
  root: Uint8Array;
  block_number: number;
  tx_hash: string | null;
}

/** Tiles, signed checkpoints and what is known of anchors. */
export class TreeStore {
  readonly #insertTile: StatementSync;
  readonly #tile: StatementSync;
  readonly #tileRoots: StatementSync;
  readonly #insertCheckpoint: StatementSync;
  readonly #lastCheckpoint: StatementSync;
  readonly #checkpointCovering: StatementSync;
  readonly #putAnchor: StatementSync;
  readonly #anchors: StatementSync;
  readonly #lastAnchor: StatementSync;
  readonly #anchorCovering: StatementSync;
  readonly #dropAnchors: StatementSync;

  constructor({ sql }: Database) {
    this.#insertTile = sql.prepare("INSERT OR REPLACE INTO tile (level, idx, hashes, root) VALUES (?, ?, ?, ?)");
    this.#tile = sql.prepare("SELECT hashes FROM tile WHERE level = ? AND idx = ?");
    this.#tileRoots = sql.prepare("SELECT root FROM tile WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx");
    this.#insertCheckpoint = sql.prepare("INSERT OR IGNORE INTO checkpoint (size, root, note) VALUES (?, ?, ?)");
    this.#lastCheckpoint = sql.prepare("SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1");
    this.#checkpointCovering = sql.prepare(
      "SELECT size, root, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1",
    );
    const columns = "idx, size, root, block_number, tx_hash";
    this.#putAnchor = sql.prepare(`INSERT OR REPLACE INTO anchor (${columns}) VALUES (?, ?, ?, ?, ?)`);
    this.#anchors = sql.prepare(`SELECT ${columns} FROM anchor WHERE idx >= ? ORDER BY idx LIMIT ?`);
    this.#lastAnchor = sql.prepare(`SELECT ${columns} FROM anchor ORDER BY idx DESC LIMIT 1`);
    this.#anchorCovering = sql.prepare(`SELECT ${columns} FROM anchor WHERE size > ? ORDER BY size LIMIT 1`);
    this.#dropAnchors = sql.prepare("DELETE FROM anchor WHERE idx >= ?");
  }

  insertTile(tile: Tile): void {
    this.#insertTile.run(tile.level, tile.index, tile.hashes, tile.root);
  }

  /** The 8,192 bytes of a full tile. */
  tile(level: number, index: number): Uint8Array | undefined {
    return (this.#tile.get(level, index) as { hashes: Uint8Array } | undefined)?.hashes;
  }

  tileRoots(level: number, start: number, end: number): Uint8Array[] {
    return (this.#tileRoots.all(level, start, end) as { root: Uint8Array }[]).map((row) => row.root);
  }

  insertCheckpoint(checkpoint: StoredCheckpoint): void {
    this.#insertCheckpoint.run(checkpoint.size, checkpoint.root, checkpoint.note);
  }

  lastCheckpoint(): StoredCheckpoint | undefined {
    return this.#lastCheckpoint.get() as StoredCheckpoint | undefined;
  }

  /** The first checkpoint that contains the leaf: the one its receipt was made with. */
  checkpointCovering(leafIndex: number): StoredCheckpoint | undefined {
    return this.#checkpointCovering.get(leafIndex) as StoredCheckpoint | undefined;
  }

  putAnchor(anchor: StoredAnchor): void {
    this.#putAnchor.run(anchor.index, anchor.size, anchor.root, anchor.blockNumber, anchor.txHash);
  }

  anchors(from: number, limit: number): StoredAnchor[] {
    return (this.#anchors.all(from, limit) as unknown as AnchorRow[]).map(fromRow);
  }

  lastAnchor(): StoredAnchor | undefined {
    const row = this.#lastAnchor.get() as AnchorRow | undefined;
    return row && fromRow(row);
  }

  anchorCovering(leafIndex: number): StoredAnchor | undefined {
    const row = this.#anchorCovering.get(leafIndex) as AnchorRow | undefined;
    return row && fromRow(row);
  }

  dropAnchorsFrom(index: number): void {
    this.#dropAnchors.run(index);
  }
}

function fromRow(row: AnchorRow): StoredAnchor {
  return { index: row.idx, size: row.size, root: row.root, blockNumber: row.block_number, txHash: row.tx_hash };
}
