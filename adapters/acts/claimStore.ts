import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import type { JsonAct } from "../../agent/entry/signEntry.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

const maxOpenAttempts = 5;

/** An act that was allowed and may have happened: on disk before it could. */
export interface StoredClaim {
  /** The idempotency key of its entry. */
  readonly id: string;
  /** The entry to be, with its output once that is known. */
  readonly act: JsonAct;
  /** Whether `act` holds what came of it. */
  readonly isSettled: boolean;
}

/**
 * Claims of one process, in a file of its own that is locked for as long as the process lives: who finds the lock free knows
 * that the process died, and what became of its acts is for the finder to enter.
 */
export class ClaimStore {
  readonly #folder: string;
  readonly #path: string;
  readonly #sql: DatabaseSync;

  /**
   * @param folder made if it is not there; one for each agent
   * @throws AffiantError ERR_UNAVAILABLE_JOURNAL
   */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    [this.#path, this.#sql] = openOwn(folder);
  }

  /** Durable when this returns. @throws AffiantError ERR_UNAVAILABLE_JOURNAL */
  add({ id, act, isSettled }: StoredClaim): void {
    const statement =
      "INSERT INTO claims (id, act, settled) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET act = excluded.act, settled = excluded.settled";
    onDisk(() => this.#sql.prepare(statement).run(id, JSON.stringify(act), isSettled ? 1 : 0));
  }

  /** For an act whose entry is in the journal. A crash before this only has it entered again, under the same key. */
  remove(id: string): void {
    onDisk(() => this.#sql.prepare("DELETE FROM claims WHERE id = ?").run(id));
  }

  all(): readonly StoredClaim[] {
    return claimsIn(this.#sql);
  }

  /**
   * Claims of processes that are no more. `enter` puts each on record; what it did is removed, and a file that is empty goes.
   * Another process that does the same at the same time is kept out by the lock.
   */
  async takeOver(enter: (claim: StoredClaim) => Promise<unknown>): Promise<number> {
    let count = 0;
    for (const name of readdirSync(this.#folder).filter((file) => file.endsWith(".sqlite"))) {
      const path = join(this.#folder, name);
      if (path === this.#path) continue;
      const left = openIfFree(path);
      if (left === undefined) continue;
      try {
        for (const claim of claimsIn(left)) {
          await enter(claim);
          onDisk(() => left.prepare("DELETE FROM claims WHERE id = ?").run(claim.id));
          count += 1;
        }
        removeFiles(path);
      } finally {
        left.close();
      }
    }
    return count;
  }

  /** Leaves nothing behind where nothing is left to be entered. */
  close(): void {
    if (!this.#sql.isOpen) return;
    const isEmpty = this.all().length === 0;
    if (isEmpty) removeFiles(this.#path);
    this.#sql.close();
  }
}

/**
 * A file of this process's own. Another that starts at the same time may find it before it is locked, take it for one that
 * was left behind, and remove it: then it is made again under another name.
 */
function openOwn(folder: string): readonly [path: string, sql: DatabaseSync] {
  for (let attempt = 1; ; attempt++) {
    const path = join(folder, `${randomUUID()}.sqlite`);
    try {
      const sql = openLocked(path);
      if (existsSync(path)) return [path, sql];
      sql.close();
    } catch (error) {
      if (attempt === maxOpenAttempts) throw error;
    }
  }
}

function openIfFree(path: string): DatabaseSync | undefined {
  try {
    return openLocked(path);
  } catch (error) {
    // Locked: its process lives. Gone: another process took it over.
    if (error instanceof AffiantError && /SQLITE_(BUSY|CANTOPEN)|locked/.test(String(error.cause))) return undefined;
    throw error;
  }
}

function openLocked(path: string): DatabaseSync {
  let sql: DatabaseSync | undefined;
  try {
    sql = new DatabaseSync(path);
    if (process.platform !== "win32") chmodSync(path, 0o600);
    // Locked from the first write on, by a lock that the system takes back when the process ends, however it ends.
    sql.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL");
    sql.exec("BEGIN EXCLUSIVE");
    sql.exec(
      "CREATE TABLE IF NOT EXISTS claims (id TEXT PRIMARY KEY, act TEXT NOT NULL, settled INTEGER NOT NULL) STRICT",
    );
    sql.exec("COMMIT");
    return sql;
  } catch (cause) {
    sql?.close();
    throw new AffiantError("ERR_UNAVAILABLE_JOURNAL", `${path} cannot be written: no act can be claimed`, { cause });
  }
}

function claimsIn(sql: DatabaseSync): readonly StoredClaim[] {
  const rows = sql.prepare("SELECT id, act, settled FROM claims ORDER BY rowid").all() as {
    id: string;
    act: string;
    settled: number;
  }[];
  return rows.map(({ id, act, settled }) => ({ id, act: JSON.parse(act) as JsonAct, isSettled: settled === 1 }));
}

function removeFiles(path: string): void {
  for (const file of [`${path}-journal`, path]) rmSync(file, { force: true });
}

function onDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_JOURNAL", "the claim could not be written", { cause });
  }
}
