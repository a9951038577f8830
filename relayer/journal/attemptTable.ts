import type { DatabaseSync, StatementSync } from "node:sqlite";

import type { Attempt, NewAttempt } from "./job.ts";

export type AttemptPurpose = "first" | "bump" | "noop";

/** The statements over the table `attempt`: every transaction ever signed, none ever deleted. */
export class AttemptTable {
  readonly #insert: StatementSync;
  readonly #ofJob: StatementSync;
  readonly #sent: StatementSync;

  constructor(sql: DatabaseSync) {
    this.#insert = sql.prepare(
      `INSERT OR IGNORE INTO attempt (hash, job, lane, nonce, raw, purpose, max_fee_wei, priority_fee_wei, signed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#ofJob = sql.prepare(
      `SELECT hash, job AS jobId, lane, nonce, raw, max_fee_wei AS maxFeeWei, priority_fee_wei AS priorityFeeWei,
         signed_at_ms AS signedAtMs, sent_at_block AS sentAtBlock FROM attempt WHERE job = ? ORDER BY rowid`,
    );
    this.#sent = sql.prepare("UPDATE attempt SET sent_at_block = ? WHERE hash = ?");
  }

  insert(attempt: NewAttempt, purpose: AttemptPurpose, nowMs: number): void {
    const { hash, jobId, lane, nonce, raw, maxFeeWei, priorityFeeWei } = attempt;
    this.#insert.run(hash, jobId, lane, nonce, raw, purpose, String(maxFeeWei), String(priorityFeeWei), nowMs);
  }

  /** Oldest first. */
  ofJob(jobId: string): Attempt[] {
    const rows = this.#ofJob.all(jobId) as unknown as (Attempt & { maxFeeWei: string; priorityFeeWei: string })[];
    return rows.map((row) => ({
      ...row,
      maxFeeWei: BigInt(row.maxFeeWei),
      priorityFeeWei: BigInt(row.priorityFeeWei),
    }));
  }

  sent(hash: string, headNumber: number): void {
    this.#sent.run(headNumber, hash);
  }
}
