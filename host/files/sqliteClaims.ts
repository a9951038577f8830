import { DatabaseSync } from "node:sqlite";

import { makePrivate } from "./privateFile.ts";

/**
 * Names that are good once, in a file that processes on one machine share, each until it would be refused as old anyway.
 */
export class SqliteClaims {
  readonly #db: DatabaseSync;
  readonly #insert;
  readonly #prune;

  /**
   * @param path of the file, made if it is not there; `:memory:` for one process
   * @param table of this kind of claims
   * @param isDurable whether a claim is through to the disk when it is given: one fsync each
   */
  constructor(path: string, table: "claimed_call" | "used_proof", isDurable: boolean) {
    makePrivate(path);
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${isDurable ? "FULL" : "NORMAL"};
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS ${table} (id TEXT PRIMARY KEY, forget_at_sec INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS ${table}_forget ON ${table} (forget_at_sec);
    `);
    this.#insert = this.#db.prepare(`INSERT INTO ${table} VALUES (?, ?) ON CONFLICT DO NOTHING`);
    // A few at a time, so that no single claim pays for all that has piled up.
    this.#prune = this.#db.prepare(
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE forget_at_sec < ? LIMIT 4)`,
    );
  }

  /** @returns false if it was claimed before */
  claim(id: string, forgetAtSec: number, nowSec: number): boolean {
    // One transaction: a claim costs one fsync at most, also when something is forgotten with it.
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
