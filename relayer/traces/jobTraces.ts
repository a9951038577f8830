import type { StatementSync } from "node:sqlite";

import { LRUCache } from "lru-cache";

import type { Job } from "../journal/job.ts";
import type { Database } from "../store/database.ts";
import type { Traces } from "./traces.ts";

/**
 * The way of a job through the journal, as spans below the request that asked for it. The request's `traceparent` is stored
 * beside the job, so that another process, or this one after a crash, goes on with the same trace.
 */
export class JobTraces {
  readonly #database: Database;
  readonly #traces: Traces;
  readonly #now: () => number;
  readonly #keep: StatementSync;
  readonly #read: StatementSync;
  readonly #drop: StatementSync;
  /** When a job got where it is. What is not remembered starts when it was accepted. */
  readonly #since = new LRUCache<string, { readonly state: Job["state"]; readonly atMs: number }>({ max: 10_000 });

  constructor(database: Database, traces: Traces, now: () => number) {
    const { sql } = database;
    this.#database = database;
    this.#traces = traces;
    this.#now = now;
    this.#keep = sql.prepare("INSERT OR IGNORE INTO job_trace (job, trace_parent) VALUES (?, ?)");
    this.#read = sql.prepare("SELECT trace_parent AS traceParent FROM job_trace WHERE job = ?");
    this.#drop = sql.prepare("DELETE FROM job_trace WHERE job = ?");
  }

  /** Ties a job to the request that is under way. */
  follow(jobId: string): void {
    const parent = this.#traces.current();
    if (parent !== undefined) this.#write(() => this.#keep.run(jobId, parent));
  }

  /** To be called after each step of a job. A step lasts from the step before to now. */
  onJob(job: Job): void {
    const before = this.#since.get(job.id);
    if (before?.state === job.state) return;
    const nowMs = this.#now();
    this.#since.set(job.id, { state: job.state, atMs: nowMs });
    const stored = (this.#read.get(job.id) as { traceParent: string } | undefined)?.traceParent;
    const traceParent = this.#traces.past({
      name: `job ${job.state}`,
      attributes: attributesOf(job),
      parent: stored,
      startMs: before?.atMs ?? job.acceptedAtMs,
      endMs: nowMs,
      ...(job.state === "failed" ? { error: "failed" } : {}),
    });
    if (job.state === "final" || job.state === "failed") this.#write(() => this.#drop.run(job.id));
    // The relayer's own jobs have no request above them: the first step is the root of their trace.
    else if (stored === undefined && traceParent !== undefined) this.#write(() => this.#keep.run(job.id, traceParent));
  }

  #write(work: () => unknown): void {
    this.#database.transaction("job.trace", work);
  }
}

/** What anybody can read on the chain; no calldata. */
function attributesOf({ id, kind, target, lane, nonce, txHash, blockNumber, gasUsed }: Job) {
  const facts = {
    "affiant.job.id": id,
    "affiant.job.kind": kind,
    "affiant.job.target": target,
    "affiant.job.lane": lane,
    "affiant.job.nonce": nonce,
    "affiant.job.tx_hash": txHash,
    "affiant.job.block_number": blockNumber,
    "affiant.job.gas_used": gasUsed,
  };
  const known = Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== null);
  return Object.fromEntries(known);
}
