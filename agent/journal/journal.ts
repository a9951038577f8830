import type { DatabaseSync } from "node:sqlite";

import { type CommitHook, inTransaction, openDatabase } from "./database.ts";
import type { Receipt, ReceiptStatus } from "../../protocol/api/receipt.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { decodeDisclosure } from "../../protocol/entry/disclosure.ts";

/** A signed entry with what its digests hide. */
export interface SignedEntry {
  readonly seq: number;
  readonly entryId: Hex;
  /** Compact JWS. */
  readonly leaf: string;
  /** SD-JWT disclosure texts. Fewer than the entry has digests once some were erased. */
  readonly disclosures: readonly string[];
}

export interface JournalEntry extends SignedEntry {
  readonly idempotencyKey: string | null;
  /** What the relayer last said of it; null until it has acknowledged the entry. */
  readonly receipt: Receipt | null;
}

/** A signed request to a registry that is on its way to the chain. */
export interface PendingCall {
  readonly purpose: string;
  readonly idempotencyKey: string;
  readonly target: string;
  readonly data: Hex;
  /** After this Unix time the contract refuses it, and it may be replaced. */
  readonly validUntilSec: number;
}

interface EntryRow {
  seq: number;
  entry_id: string;
  leaf: string;
  idempotency_key: string | null;
  receipt: string | null;
}

const columns = "seq, entry_id, leaf, idempotency_key, receipt";

/** Everything an agent signed, in order, on disk before it leaves the machine. One file an agent. */
export class Journal {
  readonly #sql: DatabaseSync;
  readonly #hook: CommitHook;

  /** @throws AffiantError ERR_UNAVAILABLE_JOURNAL, ERR_INPUT_FILE */
  constructor(path: string, hook: CommitHook = () => undefined) {
    this.#sql = openDatabase(path);
    this.#hook = hook;
  }

  close(): void {
    if (this.#sql.isOpen) this.#sql.close();
  }

  /** Runs `work` alone among all processes of this agent; all it writes is durable when this returns, or none is. */
  transaction<T>(work: () => T): T {
    return inTransaction(this.#sql, this.#hook, work);
  }

  /** The last entry signed, sent or not. */
  head(): JournalEntry | null {
    return this.#one(`SELECT ${columns} FROM entries ORDER BY seq DESC LIMIT 1`);
  }

  entry(seq: number): JournalEntry | null {
    return this.#one(`SELECT ${columns} FROM entries WHERE seq = ?`, seq);
  }

  byIdempotencyKey(key: string): JournalEntry | null {
    return this.#one(`SELECT ${columns} FROM entries WHERE idempotency_key = ?`, key);
  }

  count(): number {
    return (this.#sql.prepare("SELECT count(*) AS n FROM entries").get() as { n: number }).n;
  }

  /** Entries that the relayer has not acknowledged, oldest first. */
  unsent(limit: number): readonly JournalEntry[] {
    return this.#many(`SELECT ${columns} FROM entries WHERE status IS NULL ORDER BY seq LIMIT ?`, limit);
  }

  /** The last entry that the relayer has acknowledged. */
  lastAcknowledgedSeq(): number | null {
    const query = "SELECT max(seq) AS seq FROM entries WHERE status IS NOT NULL";
    return (this.#sql.prepare(query).get() as { seq: number | null }).seq;
  }

  /** Entries from `seq` on, in order. */
  entriesFrom(seq: number, limit: number): readonly JournalEntry[] {
    return this.#many(`SELECT ${columns} FROM entries WHERE seq >= ? ORDER BY seq LIMIT ?`, seq, limit);
  }

  /** Adds an entry. Only inside {@link transaction}, right after reading {@link head}. */
  insert(entry: SignedEntry, idempotencyKey: string | null): void {
    this.#sql
      .prepare("INSERT INTO entries (seq, entry_id, leaf, idempotency_key) VALUES (?, ?, ?, ?)")
      .run(entry.seq, entry.entryId, entry.leaf, idempotencyKey);
    const insert = this.#sql.prepare("INSERT INTO disclosures (seq, name, encoded) VALUES (?, ?, ?)");
    for (const encoded of entry.disclosures) insert.run(entry.seq, decodeDisclosure(encoded).name, encoded);
  }

  /** Stores what the relayer said. A status may fall back: a reorganisation of the chain can undo an anchor. */
  storeReceipts(receipts: readonly { readonly seq: number; readonly receipt: Receipt }[]): void {
    this.transaction(() => {
      const update = this.#sql.prepare("UPDATE entries SET log_index = ?, status = ?, receipt = ? WHERE seq = ?");
      for (const { seq, receipt } of receipts) update.run(receipt.index, receipt.status, JSON.stringify(receipt), seq);
    });
  }

  /** How many entries have come how far; `signed` counts those that the relayer has not acknowledged. */
  countByStatus(): Readonly<Record<ReceiptStatus | "signed", number>> {
    const counts = { signed: 0, sequenced: 0, anchored: 0, final: 0 };
    const rows = this.#sql
      .prepare("SELECT coalesce(status, 'signed') AS status, count(*) AS n FROM entries GROUP BY 1")
      .all() as unknown as { status: keyof typeof counts; n: number }[];
    for (const { status, n } of rows) counts[status] = n;
    return counts;
  }

  /** Erases the payloads of an entry. The entry itself stays, and still proves that there were some. */
  eraseDisclosures(seq: number): number {
    return Number(this.#sql.prepare("DELETE FROM disclosures WHERE seq = ?").run(seq).changes);
  }

  pendingCall(purpose: string): PendingCall | null {
    const row = this.#sql.prepare("SELECT * FROM calls WHERE purpose = ?").get(purpose) as
      { idempotency_key: string; target: string; data: Hex; valid_until_sec: number } | undefined;
    if (!row) return null;
    const { idempotency_key: idempotencyKey, target, data, valid_until_sec: validUntilSec } = row;
    return { purpose, idempotencyKey, target, data, validUntilSec };
  }

  storePendingCall(call: PendingCall): void {
    this.#sql
      .prepare("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?)")
      .run(call.purpose, call.idempotencyKey, call.target, call.data, call.validUntilSec);
  }

  forgetPendingCall(purpose: string): void {
    this.#sql.prepare("DELETE FROM calls WHERE purpose = ?").run(purpose);
  }

  fact(name: string): string | null {
    const row = this.#sql.prepare("SELECT value FROM facts WHERE name = ?").get(name) as { value: string } | undefined;
    return row?.value ?? null;
  }

  storeFact(name: string, value: string): void {
    this.#sql.prepare("INSERT OR REPLACE INTO facts VALUES (?, ?)").run(name, value);
  }

  #one(query: string, ...parameters: (string | number)[]): JournalEntry | null {
    const row = this.#sql.prepare(query).get(...parameters) as unknown as EntryRow | undefined;
    return row ? this.#toEntry(row) : null;
  }

  #many(query: string, ...parameters: (string | number)[]): readonly JournalEntry[] {
    const rows = this.#sql.prepare(query).all(...parameters) as unknown as EntryRow[];
    return rows.map((row) => this.#toEntry(row));
  }

  #toEntry(row: EntryRow): JournalEntry {
    const disclosures = this.#sql
      .prepare("SELECT encoded FROM disclosures WHERE seq = ? ORDER BY name")
      .all(row.seq) as unknown as { encoded: string }[];
    return {
      seq: row.seq,
      entryId: row.entry_id as Hex,
      leaf: row.leaf,
      disclosures: disclosures.map(({ encoded }) => encoded),
      idempotencyKey: row.idempotency_key,
      receipt: row.receipt === null ? null : (JSON.parse(row.receipt) as Receipt),
    };
  }
}
