import type { DatabaseSync, StatementSync } from "node:sqlite";

import { holdsExpression } from "../store/rows/tables.ts";
import { rowAltered } from "../store/rows/rowAltered.ts";
import type { Attempt, NewAttempt } from "./job.ts";

type Row = Omit<Attempt, "maxFeeWei" | "priorityFeeWei"> & {
  readonly maxFeeWei: string;
  readonly priorityFeeWei: string;
};

export type AttemptPurpose = "first" | "bump" | "noop";

/** The statements over the table `attempt`: every transaction ever signed, none ever deleted. */
export class AttemptTable {
  readonly #insert: StatementSync;
  readonly #ofJob: StatementSync;
  readonly #intact: StatementSync;
  readonly #sent: StatementSync;

  constructor(sql: DatabaseSync) {
    this.#insert = sql.prepare(
      `INSERT OR IGNORE INTO attempt (hash, job, lane, nonce, raw, purpose, max_fee_wei, priority_fee_wei, signed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const columns = `hash, job AS jobId, lane, nonce, raw, max_fee_wei AS maxFeeWei, priority_fee_wei AS priorityFeeWei,
      signed_at_ms AS signedAtMs, sent_at_block AS sentAtBlock`;
    const holds = holdsExpression(sql, "attempt");
    this.#ofJob = sql.prepare(`SELECT ${columns} FROM attempt WHERE job = ? ORDER BY rowid`);
    this.#intact = sql.prepare(`SELECT ${columns}, ${holds} AS holds FROM attempt WHERE job = ? ORDER BY rowid`);
    this.#sent = sql.prepare("UPDATE attempt SET sent_at_block = ? WHERE hash = ?");
  }

  insert(attempt: NewAttempt, purpose: AttemptPurpose, nowMs: number): void {
    const { hash, jobId, lane, nonce, raw, maxFeeWei, priorityFeeWei } = attempt;
    this.#insert.run(hash, jobId, lane, nonce, raw, purpose, String(maxFeeWei), String(priorityFeeWei), nowMs);
  }

  /** Oldest first. */
  ofJob(jobId: string): Attempt[] {
    return (this.#ofJob.all(jobId) as unknown as Row[]).map(attemptOf);
  }

  /**
   * {@link ofJob}, for whoever signs another one after them, or sends them.
   * @throws AffiantError ERR_CONFLICT_ROW_ALTERED if one is not what this relayer wrote
   */
  intact(jobId: string): Attempt[] {
    return (this.#intact.all(jobId) as unknown as (Row & { holds: number })[]).map(({ holds, ...row }) => {
      if (holds !== 1) throw rowAltered("attempt", row.hash);
      return attemptOf(row);
    });
  }

  sent(hash: string, headNumber: number): void {
    this.#sent.run(headNumber, hash);
  }
}

function attemptOf(row: Row): Attempt {
  return { ...row, maxFeeWei: BigInt(row.maxFeeWei), priorityFeeWei: BigInt(row.priorityFeeWei) };
}
