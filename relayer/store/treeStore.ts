import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";

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

/** A size and root that the contract took. A size is anchored once, so it names the anchor. */
export interface StoredAnchor {
  readonly size: number;
  readonly root: Uint8Array;
  readonly blockNumber: number;
  readonly txHash: string | null;
  /** Index of the contract's record; null while the anchor stands in its event, and maybe in the latest root, alone. */
  readonly record: number | null;
}

interface AnchorRow {
  size: number;
  root: Uint8Array;
  block_number: number;
  tx_hash: string | null;
  record: number | null;
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
  readonly #anchorOf: StatementSync;
  readonly #anchorBelow: StatementSync;
  readonly #anchorCovering: StatementSync;
  readonly #dropAnchors: StatementSync;
  readonly #recordsDown: StatementSync;
  readonly #setRecord: StatementSync;
  readonly #sinceRecord: StatementSync;

  constructor({ sql }: Database) {
    this.#insertTile = sql.prepare("INSERT OR REPLACE INTO tile (level, idx, hashes, root) VALUES (?, ?, ?, ?)");
    this.#tile = sql.prepare("SELECT hashes FROM tile WHERE level = ? AND idx = ?");
    this.#tileRoots = sql.prepare("SELECT root FROM tile WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx");
    this.#insertCheckpoint = sql.prepare("INSERT OR IGNORE INTO checkpoint (size, root, note) VALUES (?, ?, ?)");
    this.#lastCheckpoint = sql.prepare("SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1");
    this.#checkpointCovering = sql.prepare(
      "SELECT size, root, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1",
    );
    const columns = "size, root, block_number, tx_hash, record";
    this.#putAnchor = sql.prepare(
      `INSERT INTO anchor (${columns}) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (size) DO UPDATE SET root = excluded.root, block_number = excluded.block_number,
         tx_hash = excluded.tx_hash, record = excluded.record`,
    );
    this.#anchors = sql.prepare(`SELECT ${columns} FROM anchor ORDER BY size LIMIT ? OFFSET ?`);
    this.#lastAnchor = sql.prepare(`SELECT ${columns} FROM anchor ORDER BY size DESC LIMIT 1`);
    this.#anchorOf = sql.prepare(`SELECT ${columns} FROM anchor WHERE size = ?`);
    this.#anchorBelow = sql.prepare(`SELECT ${columns} FROM anchor WHERE size < ? ORDER BY size DESC LIMIT 1`);
    this.#anchorCovering = sql.prepare(`SELECT ${columns} FROM anchor WHERE size > ? ORDER BY size LIMIT 1`);
    this.#dropAnchors = sql.prepare("DELETE FROM anchor WHERE size > ?");
    this.#recordsDown = sql.prepare(
      `SELECT ${columns} FROM anchor WHERE record IS NOT NULL AND record < ? ORDER BY record DESC LIMIT 1`,
    );
    this.#setRecord = sql.prepare("UPDATE anchor SET record = ? WHERE size = ?");
    this.#sinceRecord = sql.prepare(
      `SELECT count(*) AS count FROM anchor
       WHERE size > ifnull((SELECT max(size) FROM anchor WHERE record IS NOT NULL), 0)`,
    );
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
    this.#putAnchor.run(anchor.size, anchor.root, anchor.blockNumber, anchor.txHash, anchor.record);
  }

  /** In the order of anchoring, without the first `from`. */
  anchors(from: number, limit: number): StoredAnchor[] {
    return (this.#anchors.all(limit, from) as unknown as AnchorRow[]).map(fromRow);
  }

  lastAnchor(): StoredAnchor | undefined {
    const row = this.#lastAnchor.get() as AnchorRow | undefined;
    return row && fromRow(row);
  }

  anchorOf(size: number): StoredAnchor | undefined {
    const row = this.#anchorOf.get(size) as AnchorRow | undefined;
    return row && fromRow(row);
  }

  anchorBelow(size: number): StoredAnchor | undefined {
    const row = this.#anchorBelow.get(size) as AnchorRow | undefined;
    return row && fromRow(row);
  }

  /** The first anchor over the leaf, recorded or not. */
  anchorCovering(leafIndex: number): StoredAnchor | undefined {
    const row = this.#anchorCovering.get(leafIndex) as AnchorRow | undefined;
    return row && fromRow(row);
  }

  dropAnchorsAbove(size: number): void {
    this.#dropAnchors.run(size);
  }

  /** The newest anchor whose record has an index below `index`. */
  recordBelow(index: number): StoredAnchor | undefined {
    const row = this.#recordsDown.get(index) as AnchorRow | undefined;
    return row && fromRow(row);
  }

  setRecord(size: number, record: number | null): void {
    this.#setRecord.run(record, size);
  }

  /** How many anchors came after the last one that the contract keeps a record of. */
  anchorsSinceRecord(): number {
    return (this.#sinceRecord.get() as { count: number }).count;
  }
}

function fromRow(row: AnchorRow): StoredAnchor {
  const { size, root, record } = row;
  return { size, root, blockNumber: row.block_number, txHash: row.tx_hash, record };
}
