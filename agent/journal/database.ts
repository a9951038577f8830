import { DatabaseSync } from "node:sqlite";

import { migrations } from "./schema.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { makePrivate } from "../../host/files/privateFile.ts";

/** Called around commits. A test throws from it, as a crash before (`before-commit`) or after the bytes were durable. */
export type CommitHook = (point: "before-commit" | "after-commit") => void;

/** How long a second process of the same agent waits for the first one's transaction. */
const busyTimeoutMs = 10_000;

/**
 * Opens an agent's SQLite file. WAL with synchronous=FULL: when a transaction returns, its bytes survive a power cut.
 * @throws AffiantError ERR_UNAVAILABLE_JOURNAL, ERR_INPUT_FILE if it is no journal or of a newer version
 */
export function openDatabase(path: string): DatabaseSync {
  let sql: DatabaseSync | undefined;
  try {
    // Payloads are in it: for its owner only, like the keys beside it.
    makePrivate(path);
    sql = new DatabaseSync(path);
    sql.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
    sql.exec("PRAGMA foreign_keys = ON");
    migrate(sql, path);
    return sql;
  } catch (cause) {
    sql?.close();
    throw cause instanceof AffiantError ? cause : journalError(path, cause);
  }
}

/**
 * Runs `work` in one transaction that takes the write lock at once: of two processes of one agent the second waits, then
 * sees what the first wrote, so they cannot sign two entries under one number.
 * @throws AffiantError ERR_UNAVAILABLE_JOURNAL; whatever `work` throws, with nothing written
 */
export function inTransaction<T>(sql: DatabaseSync, hook: CommitHook, work: () => T): T {
  try {
    sql.exec("BEGIN IMMEDIATE");
    const result = work();
    hook("before-commit");
    sql.exec("COMMIT");
    hook("after-commit");
    return result;
  } catch (cause) {
    if (sql.isOpen && sql.isTransaction) sql.exec("ROLLBACK");
    throw isSqliteError(cause) ? journalError("the journal", cause) : cause;
  }
}

function migrate(sql: DatabaseSync, path: string): void {
  sql.exec("BEGIN IMMEDIATE");
  const { user_version: version } = sql.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} was written by a newer version of this program`, {
      hint: `Its schema is ${version}; this version knows ${migrations.length}. Update affiant.`,
    });
  }
  for (const text of migrations.slice(version)) sql.exec(text);
  sql.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
}

function isSqliteError(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ERR_SQLITE_ERROR";
}

function journalError(what: string, cause: unknown): AffiantError {
  // 11 SQLITE_CORRUPT, 26 SQLITE_NOTADB: waiting will not help.
  const { errcode, message } = cause as { errcode?: number; message: string };
  if (errcode === 11 || errcode === 26) {
    return new AffiantError("ERR_INPUT_FILE", `${what} is damaged or no SQLite file`, {
      cause,
      hint: "Restore it from a backup, or move it away and run: affiant agent recover NAME",
    });
  }
  return new AffiantError("ERR_UNAVAILABLE_JOURNAL", `${what} is in use or cannot be written: ${message}`, { cause });
}
