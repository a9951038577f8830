import { DatabaseSync } from "node:sqlite";
import { makePrivate } from "../../host/files/privateFile.ts";

/**
 * Remembers which calls were accepted, until they would be refused as expired anyway. One file serves all instances of
 * an agent on a machine and survives restarts; another store (Redis, SQL) only has to keep `claim` atomic and durable.
 */
export interface ReplayStore {
  /**
   * Claims a call for execution. It is durable when this returns: a process that dies after it has *not* executed the
   * call a second time, at the price that the call may not have been executed at all.
   * @param id names the call; at most 256 characters
   * @param forgetAtSec Unix seconds after which nobody could present it again
   * @returns false if somebody claimed it before
   */
  claim(id: string, forgetAtSec: number, nowSec: number): boolean | Promise<boolean>;
}

export class SqliteReplayStore implements ReplayStore {
  readonly #db: DatabaseSync;
  readonly #insert;
  readonly #prune;

  /** @param path of the database file; created if it is not there */
  constructor(path: string) {
    makePrivate(path);
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS claimed_call (id TEXT PRIMARY KEY, forget_at_sec INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS claimed_call_forget ON claimed_call (forget_at_sec);
    `);
    this.#insert = this.#db.prepare("INSERT INTO claimed_call VALUES (?, ?) ON CONFLICT DO NOTHING");
    // A few at a time, so that no single call pays for all that has piled up.
    this.#prune = this.#db.prepare(
      "DELETE FROM claimed_call WHERE id IN (SELECT id FROM claimed_call WHERE forget_at_sec < ? LIMIT 4)",
    );
  }

  claim(id: string, forgetAtSec: number, nowSec: number): boolean {
    // One transaction: a claim costs one fsync, also when something is forgotten with it.
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      this.#prune.run(nowSec);
      const claimed = this.#insert.run(id, forgetAtSec).changes === 1;
      this.#db.exec("COMMIT");
      return claimed;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}
