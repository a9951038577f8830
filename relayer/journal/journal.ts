import { type StatementSync } from "node:sqlite";

import { type Database } from "../store/database.ts";

/**
 * accepted → simulated → signed → broadcast → mined → final. `signed` means: a nonce is claimed and the signed bytes
 * are stored. A reorg takes a mined job back to `broadcast`. `failed` is for good.
 */
export const jobStates = ["accepted", "simulated", "signed", "broadcast", "mined", "final", "failed"] as const;
export type JobState = (typeof jobStates)[number];

/** `noop` jobs fill a nonce whose transaction can never be mined. */
export type JobKind = "request" | "anchor" | "register-log" | "noop";

/** One thing to be done on chain, once. */
export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  /** The agent a sponsored request is for, lower-case address; null for the relayer's own jobs. */
  readonly agent: string | null;
  readonly target: string;
  readonly data: Uint8Array;
  readonly state: JobState;
  readonly lane: string | null;
  readonly nonce: number | null;
  readonly gasLimit: number | null;
  /** The attempt that was mined. */
  readonly txHash: string | null;
  readonly blockNumber: number | null;
  readonly blockHash: string | null;
  readonly gasUsed: number | null;
  readonly feeWei: string | null;
  /** A problem document (JSON) once the job failed. */
  readonly error: string | null;
  readonly acceptedAtMs: number;
}

/** A signed transaction: an attempt at a job's nonce. */
export interface Attempt {
  readonly hash: string;
  readonly jobId: string;
  readonly lane: string;
  readonly nonce: number;
  /** `0x…`, RLP. */
  readonly raw: string;
  readonly maxFeeWei: bigint;
  readonly priorityFeeWei: bigint;
  readonly signedAtMs: number;
  /** Head when it was last handed to a node; null before the first time. */
  readonly sentAtBlock: number | null;
}

/** An attempt that is not stored yet. */
export type NewAttempt = Omit<Attempt, "sentAtBlock" | "signedAtMs">;

export interface NewJob {
  readonly id: string;
  /** Two jobs of one key are one job. */
  readonly dedupeKey: string;
  readonly kind: JobKind;
  readonly agent: string | null;
  readonly target: string;
  readonly data: Uint8Array;
}

/** Where a mined transaction stands. */
export interface Mined {
  readonly txHash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly gasUsed: number;
  readonly feeWei: bigint;
}

const jobColumns = `id, kind, agent, target, data, state, lane, nonce, gas_limit AS gasLimit, tx_hash AS txHash,
  block_number AS blockNumber, block_hash AS blockHash, gas_used AS gasUsed, fee_wei AS feeWei, error,
  accepted_at_ms AS acceptedAtMs`;

/**
 * The source of truth for everything this relayer sends. Each method is one durable transaction; a crash between two of
 * them leaves a state from which the sender goes on by itself.
 */
export class Journal {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #insert: StatementSync;
  readonly #byId: StatementSync;
  readonly #byKey: StatementSync;
  readonly #inState: StatementSync;
  readonly #setState: StatementSync;
  readonly #claim: StatementSync;
  readonly #addAttempt: StatementSync;
  readonly #attempts: StatementSync;
  readonly #sent: StatementSync;
  readonly #setMined: StatementSync;
  readonly #unmine: StatementSync;
  readonly #fail: StatementSync;
  readonly #detach: StatementSync;
  readonly #lane: StatementSync;
  readonly #setLane: StatementSync;
  readonly #nonces: StatementSync;
  readonly #counts: StatementSync;
  readonly #spent: StatementSync;
  readonly #total: StatementSync;
  readonly #keep: StatementSync;
  readonly #keyOf: StatementSync;
  readonly #freeKey: StatementSync;

  constructor(database: Database, now: () => number = Date.now) {
    const { sql } = database;
    this.#database = database;
    this.#now = now;
    this.#insert = sql.prepare(
      `INSERT INTO job (id, dedupe_key, kind, agent, target, data, state, accepted_at_ms, changed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, 'accepted', ?, ?) ON CONFLICT (dedupe_key) DO NOTHING`,
    );
    this.#byId = sql.prepare(`SELECT ${jobColumns} FROM job WHERE id = ?`);
    this.#byKey = sql.prepare(`SELECT ${jobColumns} FROM job WHERE dedupe_key = ?`);
    this.#inState = sql.prepare(
      `SELECT ${jobColumns} FROM job WHERE state = ? ORDER BY ifnull(nonce, 0), accepted_at_ms, rowid LIMIT ?`,
    );
    this.#setState = sql.prepare("UPDATE job SET state = ?, gas_limit = ?, changed_at_ms = ? WHERE id = ?");
    this.#claim = sql.prepare("UPDATE job SET state = 'signed', lane = ?, nonce = ?, changed_at_ms = ? WHERE id = ?");
    this.#addAttempt = sql.prepare(
      `INSERT OR IGNORE INTO attempt (hash, job, lane, nonce, raw, purpose, max_fee_wei, priority_fee_wei, signed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#attempts = sql.prepare(
      `SELECT hash, job AS jobId, lane, nonce, raw, max_fee_wei AS maxFeeWei, priority_fee_wei AS priorityFeeWei,
         signed_at_ms AS signedAtMs, sent_at_block AS sentAtBlock FROM attempt WHERE job = ? ORDER BY rowid`,
    );
    this.#sent = sql.prepare("UPDATE attempt SET sent_at_block = ? WHERE hash = ?");
    this.#setMined = sql.prepare(
      `UPDATE job SET state = ?, tx_hash = ?, block_number = ?, block_hash = ?, gas_used = ?, fee_wei = ?, error = ?,
         changed_at_ms = ? WHERE id = ?`,
    );
    this.#unmine = sql.prepare(
      `UPDATE job SET state = 'broadcast', tx_hash = NULL, block_number = NULL, block_hash = NULL, gas_used = NULL,
         fee_wei = NULL, error = NULL, changed_at_ms = ? WHERE id = ?`,
    );
    this.#fail = sql.prepare("UPDATE job SET state = 'failed', error = ?, changed_at_ms = ? WHERE id = ?");
    this.#detach = sql.prepare("UPDATE job SET lane = NULL, nonce = NULL, changed_at_ms = ? WHERE id = ?");
    this.#lane = sql.prepare("SELECT next_nonce AS nextNonce FROM lane WHERE address = ?");
    this.#setLane = sql.prepare(
      "INSERT INTO lane (address, next_nonce) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET next_nonce = excluded.next_nonce",
    );
    this.#total = sql.prepare(
      "SELECT ifnull(sum(gas_used), 0) AS gas, ifnull(sum(fee_wei / 1e18), 0) AS feeEther FROM job WHERE gas_used IS NOT NULL",
    );
    this.#keep = sql.prepare("INSERT INTO idempotency (key, dedupe_key, job) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.#keyOf = sql.prepare("SELECT dedupe_key AS dedupeKey, job AS id FROM idempotency WHERE key = ?");
    this.#freeKey = sql.prepare(
      "UPDATE job SET dedupe_key = dedupe_key || '#' || id WHERE dedupe_key = ? AND state = 'failed'",
    );
    this.#nonces = sql.prepare("SELECT nonce FROM job WHERE lane = ? AND nonce >= ?");
    this.#counts = sql.prepare("SELECT state, count(*) AS count FROM job GROUP BY state");
    this.#spent = sql.prepare(
      `SELECT count(*) AS count, ifnull(sum(ifnull(gas_used, ifnull(gas_limit, 0))), 0) AS gas
       FROM job WHERE agent = ? AND accepted_at_ms > ?`,
    );
  }

  /** Adds a job unless one with its dedupe key is there; returns the one that is there now. */
  add(job: NewJob): Job {
    const nowMs = this.#now();
    this.#database.transaction("job.add", () => {
      this.#insert.run(job.id, job.dedupeKey, job.kind, job.agent, job.target, job.data, nowMs, nowMs);
    });
    return this.byDedupeKey(job.dedupeKey) as Job;
  }

  /** Adds a sponsored request under its idempotency key; a failed one of the same call makes room. */
  addRequest(job: NewJob, idempotencyKey: string): Job {
    const nowMs = this.#now();
    this.#database.transaction("job.request", () => {
      this.#freeKey.run(job.dedupeKey);
      this.#insert.run(job.id, job.dedupeKey, job.kind, job.agent, job.target, job.data, nowMs, nowMs);
      const { id } = this.byDedupeKey(job.dedupeKey) as Job;
      this.#keep.run(idempotencyKey, job.dedupeKey, id);
    });
    return this.byDedupeKey(job.dedupeKey) as Job;
  }

  byIdempotencyKey(key: string): { dedupeKey: string; id: string } | undefined {
    return this.#keyOf.get(key) as { dedupeKey: string; id: string } | undefined;
  }

  byId(id: string): Job | undefined {
    return this.#byId.get(id) as Job | undefined;
  }

  byDedupeKey(key: string): Job | undefined {
    return this.#byKey.get(key) as Job | undefined;
  }

  /** Oldest nonce, then oldest job, first. */
  inState(state: JobState, limit = 1_000): Job[] {
    return this.#inState.all(state, limit) as unknown as Job[];
  }

  simulated(id: string, gasLimit: number): void {
    this.#database.transaction("job.simulated", () => this.#setState.run("simulated", gasLimit, this.#now(), id));
  }

  /** The next nonce of a lane; undefined if the lane was never used from here. */
  nextNonce(lane: string): number | undefined {
    return (this.#lane.get(lane) as { nextNonce: number } | undefined)?.nextNonce;
  }

  /**
   * Claims the attempt's nonce and stores the signed bytes, together: after a crash there is either neither, or both
   * and the same bytes are sent again. Never a nonce twice, never signed bytes that are not written down.
   */
  claim(attempt: NewAttempt): void {
    this.#database.transaction("job.claim", () => {
      this.#setLane.run(attempt.lane, attempt.nonce + 1);
      this.#claim.run(attempt.lane, attempt.nonce, this.#now(), attempt.jobId);
      this.#insertAttempt(attempt, "first");
    });
  }

  /** Stores another signed transaction of the same job and nonce, with a higher fee. */
  addBump(attempt: NewAttempt): void {
    this.#database.transaction("job.bump", () => this.#insertAttempt(attempt, "bump"));
  }

  /**
   * Gives a nonce whose transaction can never be mined to a no-op, so that the nonces behind it are not stuck; the job
   * fails and keeps its attempts.
   */
  fillSlot(job: Job, error: string, filler: NewJob, attempt: NewAttempt): void {
    const nowMs = this.#now();
    this.#database.transaction("job.fill", () => {
      this.#fail.run(error, nowMs, job.id);
      this.#detach.run(nowMs, job.id);
      this.#insert.run(filler.id, filler.dedupeKey, filler.kind, null, filler.target, filler.data, nowMs, nowMs);
      this.#claim.run(attempt.lane, attempt.nonce, nowMs, filler.id);
      this.#insertAttempt(attempt, "noop");
    });
  }

  /** Gives a nonce that is nobody's to a no-op. */
  fillGap(filler: NewJob, attempt: NewAttempt): void {
    const nowMs = this.#now();
    this.#database.transaction("job.fill", () => {
      this.#insert.run(filler.id, filler.dedupeKey, filler.kind, null, filler.target, filler.data, nowMs, nowMs);
      this.#claim.run(attempt.lane, attempt.nonce, nowMs, filler.id);
      this.#insertAttempt(attempt, "noop");
    });
  }

  /** The nonces of a lane, from one on, that a job holds. */
  noncesFrom(lane: string, from: number): number[] {
    return (this.#nonces.all(lane, from) as { nonce: number }[]).map(({ nonce }) => nonce);
  }

  /** Every transaction ever signed for a job, oldest first. */
  attempts(jobId: string): Attempt[] {
    const rows = this.#attempts.all(jobId) as unknown as (Attempt & { maxFeeWei: string; priorityFeeWei: string })[];
    return rows.map((row) => ({
      ...row,
      maxFeeWei: BigInt(row.maxFeeWei),
      priorityFeeWei: BigInt(row.priorityFeeWei),
    }));
  }

  sent(jobId: string, hash: string, headNumber: number): void {
    this.#database.transaction("job.sent", () => {
      this.#sent.run(headNumber, hash);
      const job = this.byId(jobId);
      if (job?.state === "signed") this.#setState.run("broadcast", job.gasLimit, this.#now(), jobId);
    });
  }

  mined(id: string, state: "mined" | "final" | "failed", mined: Mined, error: string | null = null): void {
    const { txHash, blockNumber, blockHash, gasUsed, feeWei } = mined;
    this.#database.transaction("job.mined", () =>
      this.#setMined.run(state, txHash, blockNumber, blockHash, gasUsed, String(feeWei), error, this.#now(), id),
    );
  }

  /** A reorg took the block away: the job waits to be mined again. */
  unmine(id: string): void {
    this.#database.transaction("job.unmine", () => this.#unmine.run(this.#now(), id));
  }

  /** Takes a job back to `accepted` because its nonce was used by somebody else's transaction. */
  release(id: string, nextNonce: number): void {
    const job = this.byId(id);
    if (!job?.lane) return;
    const { lane } = job;
    this.#database.transaction("job.release", () => {
      this.#detach.run(this.#now(), id);
      this.#setState.run("accepted", null, this.#now(), id);
      this.#setLane.run(lane, Math.max(nextNonce, this.nextNonce(lane) ?? 0));
    });
  }

  fail(id: string, error: string): void {
    this.#database.transaction("job.fail", () => this.#fail.run(error, this.#now(), id));
  }

  counts(): Record<JobState, number> {
    const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
    for (const { state, count } of this.#counts.all() as { state: JobState; count: number }[]) counts[state] = count;
    return counts;
  }

  /** Requests of an agent since a time, and the gas they took (or may take). */
  usage(agent: string, sinceMs: number): { count: number; gas: number } {
    return this.#spent.get(agent, sinceMs) as { count: number; gas: number };
  }

  /** What all mined transactions cost so far. */
  spent(): { gas: number; feeEther: number } {
    return this.#total.get() as { gas: number; feeEther: number };
  }

  #insertAttempt(attempt: NewAttempt, purpose: "first" | "bump" | "noop"): void {
    const { hash, jobId, lane, nonce, raw, maxFeeWei, priorityFeeWei } = attempt;
    this.#addAttempt.run(
      hash,
      jobId,
      lane,
      nonce,
      raw,
      purpose,
      String(maxFeeWei),
      String(priorityFeeWei),
      this.#now(),
    );
  }
}
