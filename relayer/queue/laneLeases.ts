import type { StatementSync } from "node:sqlite";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { LaneLease } from "../sender/laneLease.ts";
import type { Database } from "../store/database.ts";

export interface LeaseOptions {
  /** This process, told apart from all others, also from its own earlier lives. */
  readonly holder: string;
  /** How long a leader that is silent keeps its lanes. */
  readonly leaseMs: number;
  /** The folder's lock proves that no other process lives: nobody's lease is waited for. */
  readonly alone: boolean;
  /** One clock for all who share the database: they are on one machine. */
  readonly now: () => number;
}

interface Row {
  readonly holder: string | null;
  readonly token: number;
  readonly expiresAtMs: number;
}

/**
 * Who leads which lane, in the journal's own database. Taking the lead raises the lane's fence in the same transaction: from
 * that commit on, a write of the leader before is refused, whatever it believes and however its clock stands.
 */
export class LaneLeases implements LaneLease {
  readonly #database: Database;
  readonly #options: LeaseOptions;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #fence: StatementSync;
  readonly #release: StatementSync;

  constructor(database: Database, options: LeaseOptions) {
    const { sql } = database;
    this.#database = database;
    this.#options = options;
    this.#read = sql.prepare("SELECT holder, token, expires_at_ms AS expiresAtMs FROM lane_lease WHERE lane = ?");
    this.#write = sql.prepare(
      `INSERT INTO lane_lease (lane, holder, token, expires_at_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (lane) DO UPDATE SET holder = excluded.holder, token = excluded.token, expires_at_ms = excluded.expires_at_ms`,
    );
    this.#fence = sql.prepare(
      `INSERT INTO lane (address, next_nonce, fence) VALUES (?, 0, ?)
       ON CONFLICT (address) DO UPDATE SET fence = max(fence, excluded.fence)`,
    );
    this.#release = sql.prepare("UPDATE lane_lease SET holder = NULL, expires_at_ms = 0 WHERE lane = ? AND holder = ?");
  }

  lead(lane: string): Promise<number | undefined> {
    try {
      return Promise.resolve(this.#lead(lane));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** A disk that does not write now: the lease ends by itself, later. */
  release(lane: string): Promise<void> {
    try {
      this.#database.transaction("lease.take", () => this.#release.run(lane, this.#options.holder));
    } catch (error) {
      if (!isAffiantError(error)) return Promise.reject(error as Error);
    }
    return Promise.resolve();
  }

  /** Who leads a lane now, for people. */
  holderOf(lane: string): { readonly holder: string; readonly token: number } | undefined {
    const row = this.#row(lane);
    return row?.holder && row.expiresAtMs > this.#options.now() ? { holder: row.holder, token: row.token } : undefined;
  }

  #row(lane: string): Row | undefined {
    return this.#read.get(lane) as Row | undefined;
  }

  #lead(lane: string): number | undefined {
    const { holder, leaseMs, now } = this.#options;
    const row = this.#row(lane);
    // A lease that is young needs no write: a pass would pay an fsync for it.
    if (row?.holder === holder && row.expiresAtMs - now() > (leaseMs * 2) / 3) return row.token;
    if (row && this.#isHeldByAnother(row)) return undefined;
    return this.#database.transaction("lease.take", () => this.#take(lane));
  }

  /** Reads again: between the look and the transaction another may have taken it. */
  #take(lane: string): number | undefined {
    const { holder, leaseMs, now } = this.#options;
    const row = this.#row(lane);
    if (row && this.#isHeldByAnother(row)) return undefined;
    const token = row?.holder === holder ? row.token : (row?.token ?? 0) + 1;
    this.#write.run(lane, holder, token, now() + leaseMs);
    this.#fence.run(lane, token);
    return token;
  }

  #isHeldByAnother({ holder, expiresAtMs }: Row): boolean {
    if (this.#options.alone || holder === null || holder === this.#options.holder) return false;
    return expiresAtMs > this.#options.now();
  }
}
