import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { CommitName, Database } from "../store/database.ts";
import type { AttemptTable } from "./attemptTable.ts";
import type { Attempt, Job, JobState, Mined, NewAttempt, NewJob, Simulation } from "./job.ts";
import type { JobTable, MinedBlock } from "./jobTable.ts";
import type { LaneTable } from "./laneTable.ts";

/** 2 s, 4 s, … 5 min: half an hour in all. */
const maxSetbacks = 12;
const firstWaitMs = 2_000;
const longestWaitMs = 300_000;

export interface JournalTables {
  readonly jobs: JobTable;
  readonly attempts: AttemptTable;
  readonly lanes: LaneTable;
}

/**
 * What the driver of one lane may do to the journal. Each writing method is one durable transaction that first shows its
 * fencing token: all of them throw AffiantError ERR_CONFLICT_LANE_LOST, with nothing written, once another process
 * leads the lane.
 */
export class LaneJournal {
  readonly address: string;
  readonly #token: number;
  readonly #database: Database;
  readonly #tables: JournalTables;
  readonly #now: () => number;

  constructor(address: string, token: number, database: Database, tables: JournalTables, now: () => number) {
    this.address = address;
    this.#token = token;
    this.#database = database;
    this.#tables = tables;
    this.#now = now;
  }

  /** Lowest nonce, then oldest job, first. */
  inState(state: JobState, limit = 1_000): Job[] {
    return this.#tables.jobs.inState(state, limit, this.address);
  }

  /** Transactions that are signed and not known to be mined. */
  inFlight(): number {
    const { jobs } = this.#tables;
    return jobs.countInState("signed", this.address) + jobs.countInState("broadcast", this.address);
  }

  /** Gas that the transactions in flight may use, at most. */
  gasInFlight(): number {
    return this.#tables.jobs.gasInFlight(this.address);
  }

  /**
   * A job and its attempts, oldest first, read for signing or sending: in these very values, each row bears its digest.
   * @throws AffiantError ERR_CONFLICT_ROW_ALTERED
   */
  intact(jobId: string): { readonly job: Job; readonly attempts: readonly Attempt[] } {
    return { job: this.#tables.jobs.intact(jobId), attempts: this.#tables.attempts.intact(jobId) };
  }

  attempts(jobId: string): Attempt[] {
    return this.#tables.attempts.ofJob(jobId);
  }

  /** The next nonce as this journal counts; 0 if the lane was never used from here. */
  nextNonce(): number {
    return this.#tables.lanes.nextNonce(this.address);
  }

  /** The nonces, from one on, that a job holds. */
  noncesFrom(from: number): number[] {
    return this.#tables.jobs.noncesFrom(this.address, from);
  }

  /** Takes requests that no lane has yet: from here on they are this lane's to simulate and to sign. */
  take(limit: number): void {
    if (limit <= 0 || !this.#tables.jobs.hasUntaken(this.#now())) return;
    this.#write("job.take", ({ jobs }, nowMs) => jobs.take(this.address, limit, nowMs));
  }

  /** Lets other lanes have what this one took and cannot send now. */
  giveBack(): void {
    if (!this.#tables.jobs.hasUnsigned(this.address)) return;
    this.#write("job.take", ({ jobs }, nowMs) => jobs.giveBack(this.address, nowMs));
  }

  simulated(results: readonly { readonly id: string; readonly simulation: Simulation }[]): void {
    if (results.length === 0) return;
    this.#write("job.simulated", ({ jobs }, nowMs) => {
      for (const { id, simulation } of results) jobs.simulated(id, simulation, nowMs);
    });
  }

  /**
   * Claims the attempts' nonces and stores their signed bytes, together: after a crash there is either neither, or both
   * and the same bytes are sent again. Never a nonce twice, never signed bytes that are not written down.
   * @param attempts in the order of their nonces
   */
  claim(attempts: readonly NewAttempt[]): void {
    const [first] = attempts;
    const last = attempts.at(-1);
    if (!first || !last) return;
    this.#write("job.claim", ({ jobs, lanes, attempts: table }, nowMs) => {
      const next = lanes.nextNonce(this.address);
      if (first.nonce < next) {
        throw new AffiantError("ERR_CONFLICT_LANE_LOST", `nonce ${first.nonce} was claimed before (next is ${next})`);
      }
      lanes.setNextNonce(this.address, last.nonce + 1);
      for (const attempt of attempts) {
        jobs.claim(attempt.jobId, this.address, attempt.nonce, nowMs);
        table.insert(attempt, "first", nowMs);
      }
    });
  }

  /** Stores another signed transaction of the same job and nonce, with a higher fee. */
  addBump(attempt: NewAttempt): void {
    this.#write("job.bump", ({ attempts }, nowMs) => attempts.insert(attempt, "bump", nowMs));
  }

  /**
   * Gives a nonce to a no-op, so that the nonces behind it are not stuck: one that is nobody's, or that of a job whose
   * transaction can never be mined. That job starts over, or fails if there is an error to say; it keeps its attempts.
   */
  fill(filler: NewJob, attempt: NewAttempt, dead?: { readonly jobId: string; readonly error: string | null }): void {
    this.#write("job.fill", ({ jobs, attempts }, nowMs) => {
      if (dead) {
        jobs.restart(dead.jobId, nowMs);
        if (dead.error !== null) jobs.fail(dead.jobId, dead.error, nowMs);
      }
      jobs.insert(filler, nowMs);
      jobs.claim(filler.id, this.address, attempt.nonce, nowMs);
      attempts.insert(attempt, "noop", nowMs);
    });
  }

  /** Nodes took these: they may be mined from now on. */
  sent(attempts: readonly { readonly jobId: string; readonly hash: string }[], headNumber: number): void {
    if (attempts.length === 0) return;
    this.#write("job.sent", ({ jobs, attempts: table }, nowMs) => {
      for (const { jobId, hash } of attempts) {
        table.sent(hash, headNumber);
        jobs.broadcast(jobId, nowMs);
      }
    });
  }

  mined(outcomes: readonly { readonly id: string; readonly mined: Mined; readonly error: string | null }[]): void {
    if (outcomes.length === 0) return;
    this.#write("job.mined", ({ jobs }, nowMs) => {
      for (const { id, mined, error } of outcomes) jobs.mined(id, mined, error, nowMs);
    });
  }

  /** The blocks that mined jobs stand in, lowest first. */
  minedBlocks(): MinedBlock[] {
    return this.#tables.jobs.minedBlocks(this.address);
  }

  inBlock(blockHash: string): Job[] {
    return this.#tables.jobs.inBlock(this.address, blockHash);
  }

  /** Blocks are deep enough: what succeeded in them is final, what reverted has failed. */
  settle(blockHashes: readonly string[]): void {
    if (blockHashes.length === 0) return;
    this.#write("job.final", ({ jobs }, nowMs) => {
      for (const hash of blockHashes) jobs.settle(this.address, hash, nowMs);
    });
  }

  /** A reorg took the block away: the job waits to be mined again. */
  unmine(id: string): void {
    this.#write("job.unmine", ({ jobs }, nowMs) => jobs.unmine(id, nowMs));
  }

  /** Takes a job back to `accepted` because its nonce was used by somebody else's transaction. */
  release(id: string, nextNonce: number): void {
    this.#write("job.release", ({ jobs, lanes }, nowMs) => {
      jobs.restart(id, nowMs);
      lanes.setNextNonce(this.address, Math.max(nextNonce, lanes.nextNonce(this.address)));
    });
  }

  /**
   * The node answers but cannot run this one call: the request waits, longer each time, and lets the others pass.
   * @returns false if that happened too often: then the caller fails it, for an operator to look at
   */
  setBack(id: string, why: string): boolean {
    const { jobs } = this.#tables;
    const before = jobs.setbacks(id);
    if (before >= maxSetbacks) return false;
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** before);
    this.#write("job.setback", (tables, nowMs) => tables.jobs.setBack(id, why, nowMs + waitMs, nowMs));
    return true;
  }

  fail(id: string, error: string): void {
    this.#write("job.fail", ({ jobs }, nowMs) => jobs.fail(id, error, nowMs));
  }

  #write(name: CommitName, work: (tables: JournalTables, nowMs: number) => void): void {
    this.#database.transaction(name, () => {
      this.#tables.lanes.enter(this.address, this.#token);
      work(this.#tables, this.#now());
    });
  }
}
