import { DatabaseSync } from "node:sqlite";
import { makePrivate } from "../../host/files/privateFile.ts";

/** Which messages were received. */
export interface ReplayWindows {
  /**
   * Takes a sequence number of one sender's session. Durable when it returns, so that a message is not taken twice by an
   * agent that was restarted in between.
   * @returns false if it was taken before, or is too far behind to tell
   */
  take(epoch: bigint, sender: string, session: string, sequence: bigint): boolean;
  /** Epochs before this one will never be accepted again. */
  forgetBefore(epoch: bigint): void;
}

/** How far behind the newest a message may come in: the width of the window of RFC 4303 §3.4.3, in bits of one integer. */
export const windowSize = 64n;

/**
 * The sliding window of IPsec (RFC 4303 §3.4.3), kept in SQLite: for each session the highest number and a bitmap of the
 * 64 up to it.
 */
export class SqliteReplayWindows implements ReplayWindows {
  readonly #db: DatabaseSync;
  readonly #read;
  readonly #write;

  /** @param path of the database file, created if it is not there; `:memory:` for tests */
  constructor(path: string) {
    makePrivate(path);
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS channel_window (
        epoch INTEGER, sender TEXT, session TEXT, highest INTEGER, seen TEXT, PRIMARY KEY (epoch, sender, session)
      ) STRICT, WITHOUT ROWID;
    `);
    const key = "epoch = ? AND sender = ? AND session = ?";
    this.#read = this.#db.prepare(`SELECT highest, seen FROM channel_window WHERE ${key}`);
    this.#read.setReadBigInts(true);
    this.#write = this.#db.prepare("INSERT OR REPLACE INTO channel_window VALUES (?, ?, ?, ?, ?)");
  }

  take(epoch: bigint, sender: string, session: string, sequence: bigint): boolean {
    // Two processes of one agent must not both take it.
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const row = this.#read.get(epoch, sender, session) as { highest: bigint; seen: string } | undefined;
      const next = advance(row && { highest: row.highest, seen: BigInt(`0x${row.seen}`) }, sequence);
      if (next) this.#write.run(epoch, sender, session, next.highest, next.seen.toString(16));
      this.#db.exec("COMMIT");
      return next !== undefined;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  forgetBefore(epoch: bigint): void {
    this.#db.prepare("DELETE FROM channel_window WHERE epoch < ?").run(epoch);
  }

  close(): void {
    this.#db.close();
  }
}

interface Window {
  readonly highest: bigint;
  /** Bit i: `highest - i` was taken. */
  readonly seen: bigint;
}

function advance(window: Window | undefined, sequence: bigint): Window | undefined {
  if (!window) return { highest: sequence, seen: 1n };
  if (sequence > window.highest) {
    const seen = shifted(window.seen, sequence - window.highest) | 1n;
    return { highest: sequence, seen };
  }
  const behind = window.highest - sequence;
  if (behind >= windowSize || ((window.seen >> behind) & 1n) === 1n) return undefined;
  return { highest: window.highest, seen: window.seen | (1n << behind) };
}

/** A sender may jump by any number: nothing larger than the window is ever shifted. */
function shifted(seen: bigint, by: bigint): bigint {
  return by >= windowSize ? 0n : BigInt.asUintN(Number(windowSize), seen << by);
}
