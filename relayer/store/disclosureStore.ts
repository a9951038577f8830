import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";
import type { DisclosureKeys } from "./disclosureKeys.ts";

interface Row {
  slot: number | null;
  sealed: Uint8Array | null;
}

export interface StoredDisclosures {
  readonly entryId: Uint8Array;
  /** Undefined if the agent had them erased. */
  readonly slot: number | undefined;
}

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Payloads that agents left with their entries, apart from the log: sealed (AES-256-GCM, the entryId authenticated) under
 * a key that stands in {@link DisclosureKeys} alone. In the database there is only ciphertext, so a copy that a page, the
 * write-ahead log or a backup of the database keeps says nothing once the key is gone.
 */
export class DisclosureStore {
  readonly #database: Pick<Database, "transaction">;
  readonly #keys: DisclosureKeys;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #all: StatementSync;

  constructor(database: Pick<Database, "sql" | "transaction">, keys: DisclosureKeys) {
    const { sql } = database;
    this.#database = database;
    this.#keys = keys;
    this.#get = sql.prepare("SELECT slot, sealed FROM disclosure WHERE entry_id = ?");
    this.#put = sql.prepare(
      `INSERT INTO disclosure (entry_id, slot, sealed) VALUES (?, ?, ?)
       ON CONFLICT (entry_id) DO UPDATE SET slot = excluded.slot, sealed = excluded.sealed`,
    );
    this.#all = sql.prepare("SELECT entry_id, slot FROM disclosure WHERE entry_id > ? ORDER BY entry_id LIMIT ?");
  }

  /**
   * Keeps disclosures beside what is kept already; what was erased stays erased. Belongs inside a transaction, which
   * commits after this has synced the keys: a crash in between leaves keys of nothing.
   * @param of entryId (32 bytes) and disclosure texts, each known to belong to the entry
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE
   */
  put(of: readonly { readonly entryId: Uint8Array; readonly disclosures: readonly string[] }[]): void {
    let added = false;
    for (const { entryId, disclosures } of of) {
      if (disclosures.length === 0) continue;
      const row = this.#row(entryId);
      const known = row ? this.#open(entryId, row) : [];
      if (known === undefined) continue; // erased
      const all = [...new Set([...known, ...disclosures])];
      if (all.length === known.length) continue;
      // A set that grows keeps its key: erasing that one slot must end every copy, also of the smaller set.
      const kept =
        row === undefined || row.slot === null ? undefined : { slot: row.slot, key: this.#keys.read(row.slot) };
      const { slot, key } = kept?.key ? { slot: kept.slot, key: kept.key } : this.#keys.add();
      added = true;
      this.#put.run(entryId, slot, seal(key, entryId, all));
    }
    if (added) this.#keys.sync();
  }

  /** Keeps disclosures of an entry that is in the log already. @throws AffiantError ERR_UNAVAILABLE_STORAGE */
  add(of: { readonly entryId: Uint8Array; readonly disclosures: readonly string[] }): void {
    if (of.disclosures.length > 0) this.#database.transaction("disclosure.put", () => this.put([of]));
  }

  /** The disclosure texts of an entry; undefined if none are kept, or no longer. */
  read(entryId: Uint8Array): readonly string[] | undefined {
    const row = this.#row(entryId);
    return row && this.#open(entryId, row);
  }

  /**
   * Erases the disclosures of an entry, and remembers that nothing is to be kept for it again. The key goes first: a crash
   * before the database's commit has erased all the same.
   * @returns false if nothing was kept
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE
   */
  erase(entryId: Uint8Array): boolean {
    const row = this.#row(entryId);
    const slot = row?.slot ?? null;
    if (slot !== null) this.#keys.erase(slot);
    this.#database.transaction("disclosure.erase", () => this.#put.run(entryId, null, null));
    return slot !== null;
  }

  /** What is kept, by entryId, after the one given. */
  after(entryId: Uint8Array, limit: number): StoredDisclosures[] {
    const rows = this.#all.all(entryId, limit) as { entry_id: Uint8Array; slot: number | null }[];
    return rows.map((row) => ({ entryId: row.entry_id, slot: row.slot ?? undefined }));
  }

  #row(entryId: Uint8Array): Row | undefined {
    return this.#get.get(entryId) as Row | undefined;
  }

  #open(entryId: Uint8Array, { slot, sealed }: Row): readonly string[] | undefined {
    const key = slot === null ? undefined : this.#keys.read(slot);
    return key && sealed ? unseal(key, entryId, sealed) : undefined;
  }
}

function seal(key: Uint8Array, entryId: Uint8Array, texts: readonly string[]): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(entryId);
  const body = Buffer.concat([cipher.update(JSON.stringify(texts), "utf8"), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

/** @throws Error if key, entryId or bytes are not those of the sealing */
function unseal(key: Uint8Array, entryId: Uint8Array, sealed: Uint8Array): readonly string[] {
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(entryId).setAuthTag(sealed.subarray(end));
  const text = Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]).toString("utf8");
  return JSON.parse(text) as readonly string[];
}
