import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";
import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** Whose key of which epoch. The commitment names the draft: after a crash of the publisher there may be several. */
export interface SealedKeyPlace {
  /** 32 bytes each. */
  readonly group: Uint8Array;
  readonly keyCommitment: Uint8Array;
  /** 20 bytes. */
  readonly holder: Uint8Array;
}

export interface StoredSealedKey {
  readonly epoch: number;
  readonly membersRoot: Uint8Array;
  readonly sealed: Uint8Array;
  /** Hashes of 32 bytes, one after the other. */
  readonly merkleProof: Uint8Array;
}

/** Sealed keys of groups, durable. Nothing here opens them. */
export class SealedKeyStore {
  readonly #database: Database;
  readonly #put: StatementSync;
  readonly #get: StatementSync;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.sql.prepare(
      `INSERT INTO sealed_key (escrow_group, commitment, holder, epoch, root, sealed, proof) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#get = database.sql.prepare(
      "SELECT epoch, root, sealed, proof FROM sealed_key WHERE escrow_group = ? AND commitment = ? AND holder = ?",
    );
  }

  /**
   * All of them or none. What is there already is left as it is.
   * @returns how many were new
   * @throws AffiantError ERR_CONFLICT_SEALED_KEY if another key of that place is here, ERR_UNAVAILABLE_STORAGE
   */
  put(keys: readonly (SealedKeyPlace & StoredSealedKey)[]): number {
    return this.#database.transaction("sealedKey.put", () => keys.filter((key) => this.#putOne(key)).length);
  }

  get({ group, keyCommitment, holder }: SealedKeyPlace): StoredSealedKey | undefined {
    const row = this.#get.get(group, keyCommitment, holder) as
      { epoch: number; root: Uint8Array; sealed: Uint8Array; proof: Uint8Array } | undefined;
    return row && { epoch: row.epoch, membersRoot: row.root, sealed: row.sealed, merkleProof: row.proof };
  }

  #putOne(key: SealedKeyPlace & StoredSealedKey): boolean {
    const { group, keyCommitment, holder, epoch, membersRoot, sealed, merkleProof } = key;
    const known = this.get(key);
    if (!known) {
      this.#put.run(group, keyCommitment, holder, epoch, membersRoot, sealed, merkleProof);
      return true;
    }
    const same = known.epoch === epoch && bytesEqual(known.membersRoot, membersRoot);
    if (same && bytesEqual(known.sealed, sealed) && bytesEqual(known.merkleProof, merkleProof)) return false;
    throw new AffiantError("ERR_CONFLICT_SEALED_KEY", "another sealed key is kept under this commitment and holder");
  }
}
