import { DatabaseSync } from "node:sqlite";

import { makePrivate } from "../files/privateFile.ts";

/** Remembers which proofs were used, until they are too old anyway. One store serves all instances of a resource server. */
export interface ProofMemory {
  /**
   * Claims one use. Atomic among all who share the store.
   * @param useId at most 64 characters
   * @param forgetAtSec Unix seconds from which the proof is refused as old
   * @returns false if it was claimed before
   */
  claim(useId: string, forgetAtSec: number, nowSec: number): boolean | Promise<boolean>;
}

/**
 * In a file that instances on one machine share. It is written ahead but not through to the disk with each use: a proof is good for a
 * minute, and a machine that lost its power is not back within it.
 */
export class SqliteProofMemory implements ProofMemory {
  readonly #db: DatabaseSync;
  readonly #insert;
  readonly #prune;

  /** @param path of the file, made if it is not there; `:memory:` for a server of one instance */
  constructor(path: string) {
    makePrivate(path);
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS used_proof (id TEXT PRIMARY KEY, forget_at_sec INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS used_proof_forget ON used_proof (forget_at_sec);
    `);
    this.#insert = this.#db.prepare("INSERT INTO used_proof VALUES (?, ?) ON CONFLICT DO NOTHING");
    // A few at a time, so that no single request pays for all that has piled up.
    this.#prune = this.#db.prepare(
      "DELETE FROM used_proof WHERE id IN (SELECT id FROM used_proof WHERE forget_at_sec < ? LIMIT 4)",
    );
  }

  claim(useId: string, forgetAtSec: number, nowSec: number): boolean {
    this.#prune.run(nowSec);
    return this.#insert.run(useId, forgetAtSec).changes === 1;
  }

  close(): void {
    this.#db.close();
  }
}
