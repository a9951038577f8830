import { DatabaseSync, type StatementSync } from "node:sqlite";

import { makePrivate } from "../../host/files/privateFile.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { RawEvent } from "../events/event.ts";
import { sqliteMigrations } from "./sqliteSchema.ts";
import {
  type Batch,
  type BlockRow,
  type ChainState,
  type DirectoryStore,
  type FeedLine,
  type PageOptions,
  type RowRef,
  rowName,
  type StoredRow,
} from "./store.ts";

const pageRows = 2_000;

/** The store in one SQLite file (WAL). */
export class SqliteStore implements DirectoryStore {
  readonly engine = "sqlite";
  readonly sql: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  /**
   * @param path a file, or `:memory:`
   * @param options readOnly for processes that only answer questions
   * @throws AffiantError ERR_INPUT_FILE if it is no store, or of a newer version
   */
  constructor(path: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    if (!readOnly) makePrivate(path);
    this.sql = new DatabaseSync(path, { readOnly });
    try {
      // What is lost in a power cut is asked of the chain again: durability to the byte is not needed, consistency is.
      this.sql.exec("PRAGMA busy_timeout = 10000; PRAGMA cache_size = -65536");
      if (!readOnly) this.sql.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      migrate(this.sql, path, readOnly);
    } catch (error) {
      this.sql.close();
      throw error;
    }
  }

  async chains(): Promise<readonly number[]> {
    return this.#all<{ chain: number }>("SELECT chain FROM chains ORDER BY chain").map(({ chain }) => chain);
  }

  async state(chainId: number): Promise<ChainState | undefined> {
    const row = this.#get<{
      number: number;
      safe: number | null;
      finalized: number | null;
      floor: number;
      versions: string;
    }>("SELECT * FROM chains WHERE chain = ?", chainId);
    if (!row) return undefined;
    const position = await this.blockAtOrBefore(chainId, row.number);
    if (!position) return undefined;
    return {
      position,
      safeNumber: row.safe ?? undefined,
      finalizedNumber: row.finalized ?? undefined,
      floor: row.floor,
      versions: row.versions,
    };
  }

  async commit(chainId: number, { blocks, events, rows, versions }: Batch): Promise<void> {
    const last = blocks.at(-1);
    if (!last) return;
    this.#transaction(() => {
      for (const block of blocks) this.#putBlock(chainId, block);
      const putEvent = this.#prepare("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
      const withEvents = new Set<number>();
      for (const event of events) {
        withEvents.add(event.blockNumber);
        const { blockNumber, blockHash, logIndex, transactionHash, address, topics, data } = event;
        const joined = Buffer.from(topics.map((topic) => topic.slice(2)).join(""), "hex");
        const place = [chainId, blockNumber, bytes(blockHash), logIndex] as const;
        putEvent.run(...place, bytes(transactionHash), bytes(address), joined, bytes(data));
      }
      const putRow = this.#prepare("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)");
      for (const { projection, key, blockNumber, value } of rows)
        putRow.run(chainId, projection, key, blockNumber, value);
      const putFeed = this.#prepare("INSERT INTO feed (chain, kind, number, hash) VALUES (?, 'block', ?, ?)");
      for (const { number, hash } of blocks) if (withEvents.has(number)) putFeed.run(chainId, number, bytes(hash));
      this.#run(
        `INSERT INTO chains VALUES (?, ?, NULL, NULL, 0, ?)
         ON CONFLICT (chain) DO UPDATE SET number = excluded.number, versions = excluded.versions`,
        chainId,
        last.number,
        versions,
      );
    });
  }

  async undo(chainId: number, toNumber: number): Promise<void> {
    const block = await this.blockAtOrBefore(chainId, toNumber);
    if (block?.number !== toNumber) throw new RangeError(`block ${toNumber} is not kept`);
    this.#transaction(() => {
      this.#takeBack(chainId, toNumber, block.hash);
      this.#run("UPDATE chains SET number = ? WHERE chain = ?", toNumber, chainId);
    });
  }

  async reset(chainId: number): Promise<void> {
    this.#transaction(() => {
      this.#takeBack(chainId, -1, `0x${"00".repeat(32)}`);
      this.#run("DELETE FROM chains WHERE chain = ?", chainId);
    });
  }

  async setFinality(chainId: number, safe: number | undefined, finalized: number | undefined): Promise<void> {
    this.#run(
      `UPDATE chains SET safe = max(coalesce(safe, ?2), ?2), finalized = max(coalesce(finalized, ?3), ?3) WHERE chain = ?1`,
      chainId,
      safe ?? null,
      finalized ?? null,
    );
  }

  async restore(
    chainId: number,
    block: BlockRow,
    versions: string,
    pages: AsyncIterable<readonly StoredRow[]>,
  ): Promise<void> {
    this.sql.exec("BEGIN IMMEDIATE");
    try {
      this.#takeBack(chainId, -1, block.hash, block.number);
      this.#putBlock(chainId, block);
      const put = this.#prepare("INSERT INTO rows VALUES (?, ?, ?, ?, ?)");
      for await (const page of pages) {
        for (const { projection, key, value } of page) put.run(chainId, projection, key, block.number, value);
      }
      const { number } = block;
      this.#run("INSERT OR REPLACE INTO chains VALUES (?, ?, NULL, NULL, ?, ?)", chainId, number, number, versions);
      this.sql.exec("COMMIT");
    } catch (error) {
      if (this.sql.isTransaction) this.sql.exec("ROLLBACK");
      throw error;
    }
  }

  async rows(chainId: number, refs: readonly RowRef[], atBlock: number): Promise<ReadonlyMap<string, string>> {
    const newest = this.#prepare(
      "SELECT value FROM rows WHERE chain = ? AND projection = ? AND key = ? AND block <= ? ORDER BY block DESC LIMIT 1",
    );
    const found = new Map<string, string>();
    for (const ref of refs) {
      const row = newest.get(chainId, ref.projection, ref.key, atBlock) as { value: string | null } | undefined;
      if (row && row.value !== null) found.set(rowName(ref), row.value);
    }
    return found;
  }

  async page(
    chainId: number,
    projection: string,
    atBlock: number,
    { after = "", prefix = "", limit }: PageOptions,
  ): Promise<readonly StoredRow[]> {
    const rows = this.#prepare(
      "SELECT key, block, value FROM rows WHERE chain = ? AND projection = ? AND key > ? AND key >= ? ORDER BY key, block",
    ).iterate(chainId, projection, after, prefix) as Iterable<Version>;
    const found: StoredRow[] = [];
    for (const row of newestOf(rows, atBlock)) {
      if (!row.key.startsWith(prefix)) break;
      if (row.value === null) continue;
      found.push({ projection, key: row.key, value: row.value });
      if (found.length === limit) break;
    }
    return found;
  }

  async *allRows(chainId: number, atBlock: number): AsyncIterable<readonly StoredRow[]> {
    const rows = this.sql
      .prepare("SELECT projection, key, block, value FROM rows WHERE chain = ? ORDER BY projection, key, block")
      .iterate(chainId) as Iterable<Version>;
    let page: StoredRow[] = [];
    for (const { projection = "", key, value } of newestOf(rows, atBlock)) {
      if (value === null) continue;
      page.push({ projection, key, value });
      if (page.length < pageRows) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  async blockAtOrBefore(chainId: number, number: number): Promise<BlockRow | undefined> {
    const row = this.#get<{ number: number; hash: Uint8Array; parent: Uint8Array; timestamp: number }>(
      "SELECT * FROM blocks WHERE chain = ? AND number <= ? ORDER BY number DESC LIMIT 1",
      chainId,
      number,
    );
    return (
      row && {
        number: row.number,
        hash: hexOf(row.hash),
        parentHash: hexOf(row.parent),
        timestampSec: row.timestamp,
      }
    );
  }

  async blockNumbers(chainId: number, below: number, limit: number) {
    return this.#all<{ number: number; hash: Uint8Array }>(
      "SELECT number, hash FROM blocks WHERE chain = ? AND number < ? ORDER BY number DESC LIMIT ?",
      chainId,
      below,
      limit,
    ).map(({ number, hash }) => ({ number, hash: hexOf(hash) }));
  }

  async *events(chainId: number, fromBlock: number, toBlock: number): AsyncIterable<readonly RawEvent[]> {
    const rows = this.sql
      .prepare(
        `SELECT e.* FROM blocks b JOIN events e ON e.chain = b.chain AND e.number = b.number AND e.hash = b.hash
         WHERE b.chain = ? AND b.number BETWEEN ? AND ? ORDER BY b.number, e.log_index`,
      )
      .iterate(chainId, fromBlock, toBlock) as unknown as Iterable<EventRow>;
    let page: RawEvent[] = [];
    for (const row of rows) {
      page.push(eventOf(row));
      if (page.length < pageRows) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  async feed(chainId: number, after: number, limit: number): Promise<readonly FeedLine[]> {
    return this.#all<{ sequence: number; kind: string; number: number; hash: Uint8Array; detail: string | null }>(
      "SELECT * FROM feed WHERE chain = ? AND sequence > ? ORDER BY sequence LIMIT ?",
      chainId,
      after,
      limit,
    ).map(({ sequence, kind, number, hash, detail }) => ({
      sequence,
      kind: kind as FeedLine["kind"],
      number,
      hash: hexOf(hash),
      takenBack: detail === null ? [] : (JSON.parse(detail) as FeedLine["takenBack"]),
    }));
  }

  async feedEnd(chainId: number): Promise<number> {
    return (
      this.#get<{ last: number | null }>("SELECT max(sequence) AS last FROM feed WHERE chain = ?", chainId)?.last ?? 0
    );
  }

  async close(): Promise<void> {
    this.sql.close();
  }

  #putBlock(chainId: number, { number, hash, parentHash, timestampSec }: BlockRow): void {
    const put = this.#prepare("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)");
    put.run(chainId, number, bytes(hash), bytes(parentHash), timestampSec);
  }

  /** Within a transaction. @param newest the block that readers are told to be the newest again */
  #takeBack(chainId: number, toNumber: number, hash: Hex, newest = toNumber): void {
    const taken = this.#all<{ number: number; hash: Uint8Array }>(
      `SELECT number, hash FROM blocks b WHERE chain = ? AND number > ? AND EXISTS
         (SELECT 1 FROM events e WHERE e.chain = b.chain AND e.number = b.number AND e.hash = b.hash) ORDER BY number`,
      chainId,
      toNumber,
    ).map((block) => ({ number: block.number, hash: hexOf(block.hash) }));
    this.#run("DELETE FROM blocks WHERE chain = ? AND number > ?", chainId, toNumber);
    this.#run("DELETE FROM rows WHERE chain = ? AND block > ?", chainId, toNumber);
    if (taken.length === 0) return;
    const detail = JSON.stringify(taken);
    const put = "INSERT INTO feed (chain, kind, number, hash, detail) VALUES (?, 'undo', ?, ?, ?)";
    this.#run(put, chainId, newest, bytes(hash), detail);
  }

  #transaction(work: () => void): void {
    this.sql.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.sql.exec("COMMIT");
    } catch (error) {
      if (this.sql.isTransaction) this.sql.exec("ROLLBACK");
      throw error;
    }
  }

  #prepare(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (!statement) this.#prepared.set(text, (statement = this.sql.prepare(text)));
    return statement;
  }

  #run(text: string, ...values: readonly (string | number | null | Uint8Array)[]): void {
    this.#prepare(text).run(...values);
  }

  #get<T>(text: string, ...values: readonly (string | number)[]): T | undefined {
    return this.#prepare(text).get(...values) as T | undefined;
  }

  #all<T>(text: string, ...values: readonly (string | number)[]): T[] {
    return this.#prepare(text).all(...values) as T[];
  }
}

interface Version {
  readonly projection?: string;
  readonly key: string;
  readonly block: number;
  readonly value: string | null;
}

/** Of versions in the order of their blocks, the newest of each row that is not newer than the block. */
function* newestOf(rows: Iterable<Version>, atBlock: number): Generator<Version> {
  let newest: Version | undefined;
  for (const row of rows) {
    if (newest && (newest.key !== row.key || newest.projection !== row.projection)) {
      yield newest;
      newest = undefined;
    }
    if (row.block <= atBlock) newest = row;
  }
  if (newest) yield newest;
}

interface EventRow {
  readonly number: number;
  readonly hash: Uint8Array;
  readonly log_index: number;
  readonly tx: Uint8Array;
  readonly address: Uint8Array;
  readonly topics: Uint8Array;
  readonly data: Uint8Array;
}

function eventOf(row: EventRow): RawEvent {
  const digits = Buffer.from(row.topics).toString("hex");
  return {
    blockNumber: row.number,
    blockHash: hexOf(row.hash),
    logIndex: row.log_index,
    transactionHash: hexOf(row.tx),
    address: hexOf(row.address),
    topics: Array.from({ length: digits.length / 64 }, (_, i) => `0x${digits.slice(64 * i, 64 * i + 64)}` as const),
    data: hexOf(row.data),
  };
}

function bytes(hex: Hex): Uint8Array {
  return Buffer.from(hex.slice(2), "hex");
}

function hexOf(value: Uint8Array): Hex {
  return `0x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`;
}

function migrate(sql: DatabaseSync, path: string, readOnly: boolean): void {
  const { user_version: version } = sql.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > sqliteMigrations.length || (readOnly && version < sqliteMigrations.length)) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} is no directory's store of this version`);
  }
  if (version === sqliteMigrations.length) return;
  sql.exec("BEGIN IMMEDIATE");
  for (const text of sqliteMigrations.slice(version)) sql.exec(text);
  sql.exec(`PRAGMA user_version = ${sqliteMigrations.length}; COMMIT`);
}
