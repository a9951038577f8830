import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { migrations } from "./migrations.ts";

/** One SQLite file, shared by the processes of one machine. `fault` lets tests break a write at a named point. */
export interface Database {
  readonly sql: DatabaseSync;
  /**
   * Runs `work` in one durable transaction: when it returns, the bytes are on disk (WAL, synchronous=FULL).
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE if SQLite could not write; whether a failed COMMIT landed is unknown,
   * so the caller must read its state again
   */
  transaction<T>(name: CommitName, work: () => T): T;
  close(): void;
}

/** Every commit this process makes: the points between which it can die. */
export const commitNames = [
  "log.append",
  "log.equivocation",
  "disclosure.put",
  "disclosure.erase",
  "policy.put",
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
  "lease.take",
] as const;
export type CommitName = (typeof commitNames)[number];

/** Called around commits; a test throws (or dies) in it before the write is durable (`lost`) or after (`landed`). */
export type CommitHook = (point: "before-commit" | "after-commit", name: CommitName) => void;

export function openDatabase(file: string, hook: CommitHook = () => undefined): Database {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const sql = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  sql.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA busy_timeout = 2000;
    PRAGMA cache_size = -32000;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA temp_store = MEMORY;
    PRAGMA secure_delete = ON;
  `);
  migrate(sql);
  return {
    sql,
    transaction: (name, work) => runTransaction(sql, (point) => hook(point, name), work),
    close: () => sql.close(),
  };
}

function runTransaction<T>(sql: DatabaseSync, hook: (point: Parameters<CommitHook>[0]) => void, work: () => T): T {
  try {
    sql.exec("BEGIN IMMEDIATE");
  } catch (cause) {
    throw storageError(cause);
  }
  let result: T;
  try {
    result = work();
    hook("before-commit");
    sql.exec("COMMIT");
    hook("after-commit");
  } catch (cause) {
    // After a failed COMMIT the transaction may still be open, or gone (SQLITE_FULL rolls back by itself).
    if (sql.isTransaction) sql.exec("ROLLBACK");
    throw cause instanceof AffiantError ? cause : storageError(cause);
  }
  return result;
}

export function storageError(cause: unknown): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_STORAGE", "the relayer's storage could not be written", { cause });
}

function migrate(sql: DatabaseSync): void {
  const row = sql.prepare("PRAGMA user_version").get() as { user_version: number };
  if (row.user_version > migrations.length) {
    throw new AffiantError(
      "ERR_INPUT_DATA_FOLDER",
      `the database was written by a newer version (schema ${row.user_version}, this one knows ${migrations.length})`,
    );
  }
  for (let version = row.user_version; version < migrations.length; version++) {
    sql.exec(`BEGIN IMMEDIATE; ${migrations[version]} PRAGMA user_version = ${version + 1}; COMMIT;`);
  }
}
