import type { RawEvent } from "../events/event.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

/** A block of the chain that is followed now. */
export interface BlockRow {
  readonly number: number;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly timestampSec: number;
}

/** What one row of projected state became in a block; `null`: it went. */
export interface RowVersion {
  readonly projection: string;
  readonly key: string;
  readonly blockNumber: number;
  /** Canonical JSON (`fold/canonicalText.ts`). */
  readonly value: string | null;
}

export interface RowRef {
  readonly projection: string;
  readonly key: string;
}

export interface StoredRow extends RowRef {
  readonly value: string;
}

/** How far a chain is followed. */
export interface ChainState {
  readonly position: BlockRow;
  /** Newest block that the endpoints call so; undefined while none said it. Never falls. */
  readonly safeNumber: number | undefined;
  readonly finalizedNumber: number | undefined;
  /** Oldest block that can be asked about, and undone to: 0, or that of the snapshot this began from. */
  readonly floor: number;
  /** What the rows were folded with. */
  readonly versions: string;
}

export interface Batch {
  /** Ascending; the last one is where the chain is followed to from now on. */
  readonly blocks: readonly BlockRow[];
  /** In chain order, of these blocks alone. */
  readonly events: readonly RawEvent[];
  readonly rows: readonly RowVersion[];
  readonly versions: string;
}

/** A line of what happened to the store, in its order: blocks that came, and blocks that were taken back. */
export interface FeedLine {
  /** Counts up, with gaps. */
  readonly sequence: number;
  readonly kind: "block" | "undo";
  /** Of the block; of an undo the block that is the newest again. */
  readonly number: number;
  readonly hash: Hex;
  /** Of an undo: blocks with events of ours that are no more, newest last. */
  readonly takenBack: readonly { readonly number: number; readonly hash: Hex }[];
}

export interface PageOptions {
  /** Keys after this one. */
  readonly after?: string;
  /** Keys that begin so. */
  readonly prefix?: string;
  readonly limit: number;
}

/**
 * Where events and projected rows are kept, for several chains. Events are append-only: what a reorganisation took back stays,
 * tied to its block's hash, and is no longer part of the chain. One writer a chain; any number of readers.
 *
 * A batch, and an undo, are one transaction: what a crash leaves behind is the state before or after.
 */
export interface DirectoryStore {
  readonly engine: string;
  chains(): Promise<readonly number[]>;
  state(chainId: number): Promise<ChainState | undefined>;
  commit(chainId: number, batch: Batch): Promise<void>;
  /** Takes back all blocks after this one, which must be there. */
  undo(chainId: number, toNumber: number): Promise<void>;
  /** Forgets all that was folded of a chain, and keeps its events. */
  reset(chainId: number): Promise<void>;
  setFinality(chainId: number, safeNumber: number | undefined, finalizedNumber: number | undefined): Promise<void>;
  /** Takes a snapshot's rows as the state at a block, in place of whatever was folded; nothing if `rows` throws. */
  restore(chainId: number, block: BlockRow, versions: string, rows: AsyncIterable<readonly StoredRow[]>): Promise<void>;

  /** The values of these rows at a block, where there are any. */
  rows(chainId: number, refs: readonly RowRef[], atBlock: number): Promise<ReadonlyMap<string, string>>;
  /** Rows of one projection by key. */
  page(chainId: number, projection: string, atBlock: number, options: PageOptions): Promise<readonly StoredRow[]>;
  /** Every row at a block, by projection and key. */
  allRows(chainId: number, atBlock: number): AsyncIterable<readonly StoredRow[]>;

  /** The block of that number, or the newest kept one before it. */
  blockAtOrBefore(chainId: number, number: number): Promise<BlockRow | undefined>;
  /** Numbers of kept blocks, newest first. */
  blockNumbers(chainId: number, below: number, limit: number): Promise<readonly { number: number; hash: Hex }[]>;
  /** Events of the chain as it is now, in order. */
  events(chainId: number, fromBlock: number, toBlock: number): AsyncIterable<readonly RawEvent[]>;
  feed(chainId: number, after: number, limit: number): Promise<readonly FeedLine[]>;
  feedEnd(chainId: number): Promise<number>;
  close(): Promise<void>;
}

/** How a row is named in {@link DirectoryStore.rows}. */
export function rowName({ projection, key }: RowRef): string {
  return `${projection}\n${key}`;
}
