import type { DatabaseSync } from "node:sqlite";

import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { CompactRange } from "../../protocol/log/compactRange.ts";
import { perfectRoot } from "../log/logTree.ts";
import type { Findings } from "./findings.ts";

const tileWidth = 256;

interface TileRow {
  hashes: Uint8Array;
  root: Uint8Array;
}

/** Grows the tree again from the leaves, and holds every stored tile against it as it becomes full. */
export class TreeCheck {
  readonly #sql: DatabaseSync;
  readonly #findings: Findings;
  readonly #range = new CompactRange();
  readonly #open: Uint8Array[][] = [];
  readonly #wanted: ReadonlySet<number>;
  readonly #roots = new Map<number, Uint8Array>();

  /** @param wanted sizes whose roots will be asked for */
  constructor(sql: DatabaseSync, findings: Findings, wanted: ReadonlySet<number>) {
    this.#sql = sql;
    this.#findings = findings;
    this.#wanted = wanted;
    if (wanted.has(0)) this.#roots.set(0, this.#range.root());
  }

  get size(): number {
    return this.#range.size;
  }

  root(): Uint8Array {
    return this.#range.root();
  }

  /** Undefined beyond the end, and for sizes that were not wanted. */
  rootAt(size: number): Uint8Array | undefined {
    return this.#roots.get(size);
  }

  add(leafHash: Uint8Array): void {
    this.#range.append(leafHash);
    this.#addToTile(0, leafHash);
    if (this.#wanted.has(this.size)) this.#roots.set(this.size, this.root());
  }

  /** Tiles that no tree of this size has. */
  finish(): void {
    const rows = this.#sql.prepare("SELECT level, idx FROM tile").iterate() as Iterable<{ level: number; idx: number }>;
    for (const { level, idx } of rows) {
      if (idx < Math.floor(this.size / tileWidth ** (level + 1))) continue;
      this.#findings.derived(`tile ${level}/${idx}`, `a log of ${this.size} entries has no such full tile`, () =>
        this.#sql.prepare("DELETE FROM tile WHERE level = ? AND idx = ?").run(level, idx),
      );
    }
  }

  #addToTile(level: number, hash: Uint8Array): void {
    const hashes = (this.#open[level] ??= []);
    hashes.push(hash);
    if (hashes.length < tileWidth) return;
    this.#open[level] = [];
    const root = perfectRoot(hashes);
    this.#checkTile(level, this.size / tileWidth ** (level + 1) - 1, Buffer.concat(hashes), root);
    this.#addToTile(level + 1, root);
  }

  #checkTile(level: number, index: number, hashes: Uint8Array, root: Uint8Array): void {
    const row = this.#sql.prepare("SELECT hashes, root FROM tile WHERE level = ? AND idx = ?").get(level, index) as
      TileRow | undefined;
    const fault = (what: string): void =>
      this.#findings.derived(`tile ${level}/${index}`, what, () =>
        this.#sql
          .prepare("INSERT OR REPLACE INTO tile (level, idx, hashes, root) VALUES (?, ?, ?, ?)")
          .run(level, index, hashes, root),
      );
    if (!row) fault("the tile is missing");
    else if (!bytesEqual(row.hashes, hashes)) fault("its hashes are not those of the tree");
    else if (!bytesEqual(row.root, root)) fault("its root is not that of its hashes");
  }
}
