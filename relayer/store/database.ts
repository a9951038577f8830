import { closeSync, constants, fdatasync, fsyncSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";

import { makeFolder } from "../../host/files/makeFolder.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { migrations } from "./migrations.ts";
import { openRows } from "./rows/openRows.ts";
import type { RowGuard } from "./rows/rowGuard.ts";
import { makePrivate } from "../../host/files/privateFile.ts";

/** One SQLite file, shared by the processes of one machine. `fault` lets tests break a write at a named point. */
export interface Database {
  readonly sql: DatabaseSync;
  /**
   * Runs `work` in one durable transaction: when it returns, the bytes are on disk (WAL, synchronous=FULL), but for the
   * few names that `foundAgain` lists.
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE if SQLite could not write; whether a failed COMMIT landed is unknown,
   * so the caller must read its state again
   */
  transaction<T>(name: CommitName, work: () => T): T;
  /**
   * Runs `work` in one transaction that others see at once but that is durable only when a later {@link sync} has ended
   * well: until then nobody may be told of it. For commits so frequent that waiting for the disk would hold up all else.
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE as {@link transaction}
   */
  transactionToSync<T>(name: CommitName, work: () => T): T;
  /**
   * Puts every commit that was made before this call on disk, while the process goes on.
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE
   */
  sync(): Promise<void>;
  close(): void;
}

/** Every commit this process makes: the points between which it can die. */
export const commitNames = [
  "log.append",
  "log.equivocation",
  "log.resign",
  "disclosure.put",
  "disclosure.erase",
  "policy.put",
  "admission.ticket",
  "sealedKey.put",
  "anchor.put",
  "anchor.drop",
  "job.add",
  "job.request",
  "job.take",
  "job.simulated",
  "job.claim",
  "job.bump",
  "job.fill",
  "job.sent",
  "job.mined",
  "job.final",
  "job.unmine",
  "job.release",
  "job.fail",
  "job.setback",
  "job.retry",
  "job.trace",
  "lease.take",
] as const;
export type CommitName = (typeof commitNames)[number];

/**
 * Commits that need not reach the disk at once: what they write down is found again on the chain, or done again without
 * harm. They outlive the process; a power cut may take the last of them, never one before a commit of another name.
 */
const foundAgain: ReadonlySet<CommitName> = new Set([
  "job.take",
  "job.simulated",
  "job.mined",
  "job.final",
  "job.trace",
]);

/** Called around commits; a test throws (or dies) in it before the write is durable (`lost`) or after (`landed`). */
export type CommitHook = (point: "before-commit" | "after-commit", name: CommitName) => void;

/**
 * @param keyFile of the key that the rows are digested under; made for a database that has none
 * @throws AffiantError ERR_INPUT_DATA_FOLDER, ERR_CONFLICT_JOURNAL_KEY, ERR_CONFLICT_DATABASE_ALTERED, ERR_INPUT_FILE
 */
export function openDatabase(
  file: string,
  hook: CommitHook = () => undefined,
  keyFile: string = journalKeyBeside(file),
): Database {
  const sql = openSql(file);
  try {
    const isNew = versionOf(sql) === 0;
    migrate(sql);
    const rows = openRows(sql, keyFile, isNew);
    return databaseOf(sql, file, hook, rows);
  } catch (error) {
    sql.close();
    throw error;
  }
}

/** Where the key of a database's rows is unless an operator says otherwise. */
export function journalKeyBeside(file: string): string {
  return join(dirname(file), "journal.key");
}

/** The file with what every connection of ours has, and nothing migrated or checked. */
export function openSql(file: string): DatabaseSync {
  makeFolder(dirname(file));
  makePrivate(file);
  const sql = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  sql.exec(`
    PRAGMA busy_timeout = 2000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -16000;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA temp_store = MEMORY;
    PRAGMA secure_delete = ON;
  `);
  return sql;
}

function databaseOf(sql: DatabaseSync, file: string, hook: CommitHook, rows: RowGuard): Database {
  const wal = new WalFile(file, sql);
  const run: Runner = (name, work) => runTransaction(sql, rows, (point) => hook(point, name), work);
  const runUnsynced: Runner = (name, work) => {
    // NORMAL leaves out one thing: the sync of the write-ahead log at COMMIT.
    sql.exec("PRAGMA synchronous = NORMAL");
    try {
      return run(name, work);
    } finally {
      sql.exec("PRAGMA synchronous = FULL");
    }
  };
  return {
    sql,
    transaction: (name, work) => (foundAgain.has(name) ? runUnsynced(name, work) : run(name, work)),
    transactionToSync: runUnsynced,
    sync: () => wal.sync(),
    close: () => {
      wal.close();
      sql.close();
    },
  };
}

const syncData = promisify(fdatasync);

/** SQLite's write-ahead log, for syncing it off the main thread. SQLite takes no locks on this file that closing could end. */
class WalFile {
  readonly #sql: DatabaseSync;
  readonly #fd: number;
  #failed = false;

  constructor(file: string, sql: DatabaseSync) {
    this.#sql = sql;
    sql.exec("BEGIN IMMEDIATE; COMMIT"); // now the file is there
    this.#fd = openSync(`${file}-wal`, constants.O_RDWR);
    // SQLite would sync the folder's entry of a new file with its own first sync, which may come after ours.
    const folder = openSync(dirname(file), constants.O_RDONLY);
    fsyncSync(folder);
    closeSync(folder);
  }

  async sync(): Promise<void> {
    try {
      // A system that failed to write may forget that it has to, and report the next sync as done. What was not synced
      // is then written again, into the database itself.
      if (this.#failed) this.#writeAgain();
      this.#failed = true;
      await syncData(this.#fd);
      this.#failed = false;
    } catch (cause) {
      throw storageError(cause);
    }
  }

  #writeAgain(): void {
    const { busy } = this.#sql.prepare("PRAGMA wal_checkpoint(FULL)").get() as { busy: number };
    if (busy !== 0) throw new Error("the write-ahead log could not be written into the database");
  }

  close(): void {
    closeSync(this.#fd);
  }
}

type Runner = <T>(name: CommitName, work: () => T) => T;

function runTransaction<T>(
  sql: DatabaseSync,
  rows: RowGuard,
  hook: (point: Parameters<CommitHook>[0]) => void,
  work: () => T,
): T {
  try {
    sql.exec("BEGIN IMMEDIATE");
  } catch (cause) {
    throw storageError(cause);
  }
  let result: T;
  try {
    rows.begin();
    result = work();
    rows.end();
    hook("before-commit");
    sql.exec("COMMIT");
    hook("after-commit");
  } catch (cause) {
    // After a failed COMMIT the transaction may still be open, or gone (SQLITE_FULL rolls back by itself).
    if (sql.isTransaction) sql.exec("ROLLBACK");
    rows.forget();
    throw cause instanceof AffiantError ? cause : storageError(cause);
  }
  return result;
}

export function storageError(cause: unknown): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_STORAGE", "the relayer's storage could not be written", { cause });
}

/** Each step in a transaction that looks first: another process may have taken it meanwhile. */
export function migrate(sql: DatabaseSync): void {
  if (versionOf(sql) > migrations.length) {
    throw new AffiantError(
      "ERR_INPUT_DATA_FOLDER",
      `the database was written by a newer version (schema ${versionOf(sql)}, this one knows ${migrations.length})`,
    );
  }
  while (versionOf(sql) < migrations.length) {
    sql.exec("BEGIN IMMEDIATE");
    const version = versionOf(sql);
    if (version < migrations.length) sql.exec(`${migrations[version]} PRAGMA user_version = ${version + 1};`);
    sql.exec("COMMIT");
  }
}

export function versionOf(sql: DatabaseSync): number {
  return (sql.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}
