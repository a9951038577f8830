import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";

/** What the log knows of an agent: where its chain of entries ends. */
export interface AgentHead {
  readonly id: number;
  readonly did: string;
  readonly nextSeq: number;
  /** entryId of the last entry, 32 bytes; null before the first. */
  readonly headEntryId: Uint8Array | null;
  /** Not-before block of the last entry; 0 before the first. */
  readonly lastBlock: number;
}

export interface StoredEntry {
  readonly index: number;
  readonly seq: number;
  readonly entryId: Uint8Array;
  readonly leaf: string;
}

export interface NewEntry {
  readonly index: number;
  readonly agentId: number;
  readonly seq: number;
  readonly entryId: Uint8Array;
  /** ASCII. */
  readonly leaf: Uint8Array;
  readonly leafHash: Uint8Array;
}

interface AgentRow {
  id: number;
  did: string;
  next_seq: number;
  head_entry_id: Uint8Array | null;
  last_block: number;
}

interface EntryRow {
  idx: number;
  seq: number;
  entry_id: Uint8Array;
  leaf: string;
}

/** Entries, agents' heads and evidence of equivocation. Writes belong inside `Database.transaction`. */
export class EntryStore {
  readonly #insertEntry: StatementSync;
  readonly #saveAgent: StatementSync;
  readonly #agentByDid: StatementSync;
  readonly #entryByIndex: StatementSync;
  readonly #entryById: StatementSync;
  readonly #entryBySeq: StatementSync;
  readonly #entriesFrom: StatementSync;
  readonly #hashesFrom: StatementSync;
  readonly #leavesFrom: StatementSync;
  readonly #count: StatementSync;
  readonly #nextAgent: StatementSync;
  readonly #addEquivocation: StatementSync;
  readonly #equivocations: StatementSync;

  constructor({ sql }: Database) {
    const columns = "idx, seq, entry_id, leaf";
    this.#insertEntry = sql.prepare(
      "INSERT INTO entry (idx, agent, seq, entry_id, leaf, leaf_hash) VALUES (?, ?, ?, ?, CAST(? AS TEXT), ?)",
    );
    this.#saveAgent = sql.prepare(
      `INSERT INTO agent (id, did, next_seq, head_entry_id, last_block) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET next_seq = excluded.next_seq, head_entry_id = excluded.head_entry_id,
         last_block = excluded.last_block`,
    );
    this.#agentByDid = sql.prepare("SELECT id, did, next_seq, head_entry_id, last_block FROM agent WHERE did = ?");
    this.#entryByIndex = sql.prepare(`SELECT ${columns} FROM entry WHERE idx = ?`);
    this.#entryById = sql.prepare(
      `SELECT ${columns} FROM entry WHERE substr(entry_id, 1, 8) = substr(?1, 1, 8) AND entry_id = ?1`,
    );
    this.#entryBySeq = sql.prepare(`SELECT ${columns} FROM entry WHERE agent = ? AND seq = ?`);
    this.#entriesFrom = sql.prepare(`SELECT ${columns} FROM entry WHERE agent = ? AND seq >= ? ORDER BY seq LIMIT ?`);
    this.#hashesFrom = sql.prepare("SELECT leaf_hash FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx");
    this.#leavesFrom = sql.prepare("SELECT leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx");
    this.#count = sql.prepare("SELECT ifnull(max(idx) + 1, 0) AS size FROM entry");
    this.#nextAgent = sql.prepare("SELECT ifnull(max(id), 0) + 1 AS id FROM agent");
    this.#addEquivocation = sql.prepare(
      `INSERT INTO equivocation (agent, seq, entry_id, leaf, received_at_ms)
       SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM equivocation WHERE agent = ? AND seq = ?) < 4
       ON CONFLICT DO NOTHING`,
    );
    this.#equivocations = sql.prepare(
      "SELECT seq, entry_id, leaf FROM equivocation WHERE agent = ? ORDER BY seq, entry_id LIMIT 1000",
    );
  }

  /** Number of entries; indices are contiguous, so the next one. */
  size(): number {
    return (this.#count.get() as { size: number }).size;
  }

  nextAgentId(): number {
    return (this.#nextAgent.get() as { id: number }).id;
  }

  agent(did: string): AgentHead | undefined {
    const row = this.#agentByDid.get(did) as AgentRow | undefined;
    if (!row) return undefined;
    return {
      id: row.id,
      did: row.did,
      nextSeq: row.next_seq,
      headEntryId: row.head_entry_id,
      lastBlock: row.last_block,
    };
  }

  saveAgent(head: AgentHead): void {
    this.#saveAgent.run(head.id, head.did, head.nextSeq, head.headEntryId, head.lastBlock);
  }

  insert(entry: NewEntry): void {
    this.#insertEntry.run(entry.index, entry.agentId, entry.seq, entry.entryId, entry.leaf, entry.leafHash);
  }

  byIndex(index: number): StoredEntry | undefined {
    return toEntry(this.#entryByIndex.get(index));
  }

  byId(entryId: Uint8Array): StoredEntry | undefined {
    return toEntry(this.#entryById.get(entryId));
  }

  bySeq(agentId: number, seq: number): StoredEntry | undefined {
    return toEntry(this.#entryBySeq.get(agentId, seq));
  }

  /** Entries of one agent with `seq >= from`, in order. */
  ofAgent(agentId: number, from: number, limit: number): StoredEntry[] {
    return (this.#entriesFrom.all(agentId, from, limit) as unknown as EntryRow[]).map(fromRow);
  }

  /** Leaf hashes `start <= index < end`. */
  leafHashes(start: number, end: number): Uint8Array[] {
    return (this.#hashesFrom.all(start, end) as { leaf_hash: Uint8Array }[]).map((row) => row.leaf_hash);
  }

  leaves(start: number, end: number): string[] {
    return (this.#leavesFrom.all(start, end) as { leaf: string }[]).map((row) => row.leaf);
  }

  /** Keeps at most four rival entries a number: one is proof enough, and an agent must not fill the disk with more. */
  keepEquivocation(agentId: number, seq: number, entryId: Uint8Array, leaf: string, nowMs: number): void {
    this.#addEquivocation.run(agentId, seq, entryId, leaf, nowMs, agentId, seq);
  }

  /** @param maxBytes of leaves together; at least one is given */
  equivocations(agentId: number, maxBytes: number): { seq: number; entryId: Uint8Array; leaf: string }[] {
    const found: { seq: number; entryId: Uint8Array; leaf: string }[] = [];
    let bytes = 0;
    for (const row of this.#equivocations.iterate(agentId)) {
      const { seq, entry_id: entryId, leaf } = row as { seq: number; entry_id: Uint8Array; leaf: string };
      bytes += leaf.length;
      if (bytes > maxBytes && found.length > 0) break;
      found.push({ seq, entryId, leaf });
    }
    return found;
  }
}

function toEntry(row: unknown): StoredEntry | undefined {
  return row === undefined ? undefined : fromRow(row as EntryRow);
}

function fromRow(row: EntryRow): StoredEntry {
  return { index: row.idx, seq: row.seq, entryId: row.entry_id, leaf: row.leaf };
}
