import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import type { NoteVerifier } from "../../protocol/log/noteKey.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";
import { openNoteKey } from "../log/noteKey.ts";
import { journalKeyBeside, migrate, openSql } from "../store/database.ts";
import { lockFolder } from "../store/folderLock.ts";
import { checkBeside } from "./checkBeside.ts";
import { checkEntries } from "./checkEntries.ts";
import { checkJournal } from "./checkJournal.ts";
import { checkClasses, checkRows, checkSchema } from "./checkRows.ts";
import { TreeCheck } from "./checkTree.ts";
import { type Fault, Findings } from "./findings.ts";

/** An anchor as the chain has it. */
export interface ChainAnchor {
  readonly name: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export interface FsckOptions {
  /** The relayer's folder. */
  readonly dataDir: string;
  readonly noteKeyFile: string;
  /** Default: beside the database. */
  readonly journalKeyFile?: string;
  /** Writes anew what can be computed from the leaves, if the leaves are those that were signed. */
  readonly repair: boolean;
  /** What the chain has on record of a log, by its origin. */
  readonly anchors?: (origin: string) => Promise<readonly ChainAnchor[]>;
}

export interface FsckReport {
  readonly size: number;
  readonly root: string;
  /** The first thousand. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
  readonly repaired: number;
  /** How many of what were looked at. */
  readonly checked: Readonly<Record<string, number>>;
}

/**
 * Holds a stopped relayer's whole database to what can be known of it: leaves, signatures and chains of entries, tiles, signed
 * checkpoints in the database and beside it, anchors; every other row to its digest, and all of them to the seal over their sums;
 * signed transactions to their jobs; indexes to their tables, and the schema to the one that it should be.
 * @throws AffiantError ERR_CONFLICT_RUNNING, ERR_INPUT_DATA_FOLDER, ERR_INPUT_FILE
 */
export async function fsck(options: FsckOptions): Promise<FsckReport> {
  const file = join(options.dataDir, "relayer.db");
  if (!existsSync(file)) {
    throw new AffiantError("ERR_INPUT_DATA_FOLDER", `there is no relayer.db in ${options.dataDir}`);
  }
  const lock = lockFolder(options.dataDir);
  try {
    return await new Fsck(options, file).run();
  } finally {
    lock.release();
  }
}

interface Signed {
  readonly place: string;
  readonly size: number;
  readonly root: Uint8Array;
}

class Fsck {
  readonly #options: FsckOptions;
  readonly #file: string;
  readonly #findings = new Findings();
  readonly #checked: Record<string, number> = {};
  readonly #signed: Signed[] = [];
  #verifier: NoteVerifier | undefined;

  constructor(options: FsckOptions, file: string) {
    this.#options = options;
    this.#file = file;
  }

  /** Nothing is migrated or sealed before it was looked at, but for what the columns that are looked for make necessary. */
  async run(): Promise<FsckReport> {
    let sql: DatabaseSync | undefined;
    let tree: TreeCheck | undefined;
    let repaired = 0;
    try {
      sql = openSql(this.#file);
      migrate(sql);
      ({ tree, repaired } = await this.#checkAll(sql));
    } catch (error) {
      if (isAffiantError(error)) throw error;
      // SQLite's own words about a file that it cannot read.
      this.#findings.fault("database", `cannot be read: ${(error as Error).message}`, "ERR_CONFLICT_DATABASE_ALTERED");
    } finally {
      sql?.close();
    }
    const { faults, count } = this.#findings;
    const root = tree ? toHex(tree.root()) : "";
    return { size: tree?.size ?? 0, root, faults, faultCount: count, repaired, checked: this.#checked };
  }

  async #checkAll(sql: DatabaseSync): Promise<{ readonly tree: TreeCheck; readonly repaired: number }> {
    this.#checkPages(sql);
    checkSchema(sql, this.#findings);
    checkClasses(sql, this.#findings);
    const { dataDir, journalKeyFile = journalKeyBeside(this.#file) } = this.#options;
    this.#checked["digests"] = checkRows(sql, journalKeyFile, this.#findings);
    const origin = this.#readCheckpoints(sql);
    for (const { name, size, root } of (origin && (await this.#options.anchors?.(origin))) || []) {
      this.#signed.push({ place: name, size, root });
      this.#count("anchors on chain");
    }
    const tree = new TreeCheck(sql, this.#findings, new Set(this.#signed.map(({ size }) => size)));
    checkEntries(sql, this.#findings, (leafHash) => tree.add(leafHash));
    this.#checked["entries"] = tree.size;
    tree.finish();
    const agrees = this.#checkRoots(tree);
    checkJournal(sql, this.#findings, this.#checked);
    checkBeside(sql, dataDir, this.#findings, this.#checked);
    return { tree, repaired: this.#options.repair && agrees ? this.#repair(sql) : 0 };
  }

  #checkPages(sql: DatabaseSync): void {
    for (const row of sql.prepare("PRAGMA integrity_check(100)").all() as { integrity_check: string }[]) {
      if (row.integrity_check !== "ok") this.#findings.fault("database", row.integrity_check);
    }
  }

  /** @returns the log's origin; undefined where nothing was signed yet */
  #readCheckpoints(sql: DatabaseSync): string | undefined {
    let origin: string | undefined;
    const rows = sql.prepare("SELECT size, root, note FROM checkpoint ORDER BY size").iterate();
    for (const row of rows as Iterable<{ size: number; root: Uint8Array; note: string }>) {
      const place = `checkpoint ${row.size}`;
      this.#count("checkpoints");
      const read = this.#readNote(row.note, place);
      if (!read) continue;
      origin ??= read.origin;
      if (read.size !== row.size) this.#findings.fault(place, `its note is about size ${read.size}`);
      if (!bytesEqual(read.root, row.root)) this.#findings.fault(place, "its root is not that of its note");
      this.#signed.push({ place, size: read.size, root: read.root });
    }
    const slots = [0, 1].map((slot) => this.#readSlot(slot));
    // One slot may be torn by a crash: the other then holds the note before. Both spoilt is no crash.
    if (origin !== undefined && !slots.includes("whole")) {
      this.#findings.fault("file checkpoint.0, checkpoint.1", "neither holds a signed checkpoint");
    }
    const anchors = sql.prepare("SELECT size, root FROM anchor").iterate();
    for (const { size, root } of anchors as Iterable<{ size: number; root: Uint8Array }>) {
      this.#count("anchors");
      this.#signed.push({ place: `anchor of ${size}`, size, root });
    }
    return origin;
  }

  #readSlot(slot: number): "whole" | "torn" | "empty" {
    const name = `checkpoint.${slot}`;
    const file = join(this.#options.dataDir, name);
    const note = existsSync(file) ? readFileSync(file, "utf8").replace(/\0+$/, "") : "";
    if (note === "") return "empty";
    const trial = new Findings();
    const read = this.#readNote(note, `file ${name}`, trial);
    if (!read) {
      this.#findings.fault(
        `file ${name}`,
        "holds no checkpoint that verifies (a write torn by a crash looks like this too)",
      );
      return "torn";
    }
    this.#count("checkpoint files");
    this.#signed.push({ place: `file ${name}`, size: read.size, root: read.root });
    return "whole";
  }

  #readNote(note: string, place: string, findings = this.#findings) {
    try {
      this.#verifier ??= openExistingKey(this.#options.noteKeyFile, note.split("\n", 1)[0] ?? "");
      const { outcome, text } = verifyNote(note, [this.#verifier]);
      if (outcome === "verified" && text !== undefined) return parseCheckpoint(text);
      findings.fault(place, `its signature does not verify (${outcome})`);
    } catch (error) {
      if (error instanceof AffiantError && error.code === "ERR_INPUT_FILE") throw error;
      findings.fault(place, `it is no signed checkpoint: ${(error as Error).message}`);
    }
    return undefined;
  }

  /** @returns whether the leaves are those that were signed: only then is anything written from them */
  #checkRoots(tree: TreeCheck): boolean {
    let agrees = true;
    let newest = 0;
    let wrong = 0;
    for (const { place, size, root } of this.#signed) {
      newest = Math.max(newest, size);
      const computed = tree.rootAt(size);
      if (computed && bytesEqual(computed, root)) continue;
      agrees = false;
      // One changed leaf spoils every root after it: the first few say where it begins.
      if (++wrong > 5) continue;
      if (!computed) this.#findings.fault(place, `it has ${size} entries, the log ${tree.size}`);
      else this.#findings.fault(place, `the leaves give another root at size ${size}: ${toHex(computed)}`);
    }
    if (wrong > 5) this.#findings.fault("checkpoints and anchors", `${wrong - 5} more disagree with the leaves`);
    if (newest < tree.size) {
      agrees = false;
      this.#findings.fault(`entry ${newest}`, `no checkpoint covers it and what follows (${tree.size} entries)`);
    }
    return agrees;
  }

  #repair(sql: DatabaseSync): number {
    const { repairs } = this.#findings;
    sql.exec("BEGIN IMMEDIATE");
    for (const repair of repairs) repair();
    sql.exec("COMMIT");
    return repairs.length;
  }

  #count(what: string): void {
    this.#checked[what] = (this.#checked[what] ?? 0) + 1;
  }
}

/** `openNoteKey` would make a new key where there is none. @throws AffiantError ERR_INPUT_FILE */
function openExistingKey(file: string, origin: string): NoteVerifier {
  if (!existsSync(file)) throw new AffiantError("ERR_INPUT_FILE", `there is no note key at ${file}`);
  return openNoteKey(file, origin).verifier;
}
