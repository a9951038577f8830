import type { StatementSync } from "node:sqlite";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Database } from "../store/database.ts";
import { AttemptTable } from "./attemptTable.ts";
import { type Attempt, type Job, type JobKind, type JobState, makesRoom, type NewJob, type NewRequest } from "./job.ts";
import { JobTable } from "./jobTable.ts";
import { LaneJournal, type JournalTables } from "./laneJournal.ts";
import { LaneTable } from "./laneTable.ts";

/** What one agent may have carried since a moment; 0 = no limit. */
export interface Allowance {
  readonly sinceMs: number;
  readonly requests: number;
  readonly gas: number;
  /** The same for all agents together; absent: as much as each may have. */
  readonly budget?: { readonly requests: number; readonly gas: number };
  /** What a newcomer is refused with; it may use up its ticket. Absent: everybody is admitted. */
  readonly admit?: (agent: string, ticket: string | undefined) => AffiantError | undefined;
}

/**
 * The source of truth for everything this relayer sends: what comes in, and how far it has come. What a lane does to it
 * goes through `lane()`. Each method is one durable transaction; a crash between two of them leaves a state from which
 * the sender goes on by itself.
 */
export class Journal {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #tables: JournalTables;
  readonly #keep: StatementSync;
  readonly #keyOf: StatementSync;

  constructor(database: Database, now: () => number = Date.now) {
    const { sql } = database;
    this.#database = database;
    this.#now = now;
    this.#tables = { jobs: new JobTable(sql), attempts: new AttemptTable(sql), lanes: new LaneTable(sql) };
    this.#keep = sql.prepare("INSERT INTO idempotency (key, dedupe_key, job) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    // The second half finds keys from before they were an agent's.
    this.#keyOf = sql.prepare(
      `SELECT dedupe_key AS dedupeKey, job AS id FROM idempotency WHERE key = ?
       UNION ALL
       SELECT idempotency.dedupe_key, job FROM idempotency JOIN job ON job.id = idempotency.job
       WHERE key = ? AND agent = ? LIMIT 1`,
    );
  }

  /** The journal as the driver of a lane may write it, under the fencing token that its lease gave it. */
  lane(address: string, token: number): LaneJournal {
    return new LaneJournal(address, token, this.#database, this.#tables, this.#now);
  }

  /** Adds a job unless one with its dedupe key is there; returns the one that is there now. */
  add(job: NewJob): Job {
    this.#database.transaction("job.add", () => this.#tables.jobs.insert(job, this.#now()));
    return this.byDedupeKey(job.dedupeKey) as Job;
  }

  /** Gives the relayer's own jobs that name no lane to the operator's: a journal from before there were several has some. */
  adoptOwnJobs(operator: string): void {
    this.#database.transaction("job.take", () => this.#tables.jobs.adoptOwn(operator, this.#now()));
  }

  /**
   * Adds sponsored requests under their idempotency keys, all in one transaction; a failed one of the same call makes
   * room (`makesRoom`). The allowance is held to here, where no other request of the agent can slip in between.
   * @returns for each its job, or ERR_LIMIT_QUOTA, ERR_LIMIT_BUDGET, what a newcomer is refused with, or
   * ERR_CONFLICT_IDEMPOTENCY_KEY if the agent's key stands for another call
   */
  addRequests(requests: readonly NewRequest[], allowance: Allowance): (Job | AffiantError)[] {
    return this.#database.transaction("job.request", () => {
      // Summed once for all that came together; each that is taken is added.
      const spent = this.#tables.jobs.usageOfAll(allowance.sinceMs);
      return requests.map((request) => this.#addRequest(request, allowance, spent));
    });
  }

  /** A key is its agent's own: another one's of the same name is another key. */
  byIdempotencyKey(agent: string, key: string): { dedupeKey: string; id: string } | undefined {
    return this.#keyOf.get(keyOfAgent(agent, key), key, agent) as { dedupeKey: string; id: string } | undefined;
  }

  byId(id: string): Job | undefined {
    return this.#tables.jobs.byId(id);
  }

  byDedupeKey(key: string): Job | undefined {
    return this.#tables.jobs.byDedupeKey(key);
  }

  /** Of all lanes; lowest nonce, then oldest job, first. */
  inState(state: JobState, limit = 1_000): Job[] {
    return this.#tables.jobs.inState(state, limit);
  }

  /** Whether a job of the kind has been accepted and is neither mined nor failed. */
  isUnderWay(kind: JobKind): boolean {
    return this.#tables.jobs.isUnderWay(kind);
  }

  /** Every transaction ever signed for a job, oldest first. */
  attempts(jobId: string): Attempt[] {
    return this.#tables.attempts.ofJob(jobId);
  }

  /** Whether a job waits that no lane has taken and that is not to wait longer. */
  hasUntaken(): boolean {
    return this.#tables.jobs.hasUntaken(this.#now());
  }

  /** Addresses of the lanes that have work which is not over. */
  busyLanes(): string[] {
    return this.#tables.jobs.busyLanes();
  }

  counts(): Record<JobState, number> {
    return this.#tables.jobs.counts();
  }

  /** Requests of an agent since a time, and the gas they took (or may take). */
  usage(agent: string, sinceMs: number): { count: number; gas: number } {
    return this.#tables.jobs.usage(agent, sinceMs);
  }

  /** What all mined transactions cost so far. */
  spent(): { gas: number; feeEther: number } {
    return this.#tables.jobs.spent();
  }

  #addRequest(request: NewRequest, allowance: Allowance, spent: { count: number; gas: number }): Job | AffiantError {
    const { job, idempotencyKey, simulation, repeatable = false } = request;
    const { jobs } = this.#tables;
    const agent = job.agent ?? "";
    const known = this.byIdempotencyKey(agent, idempotencyKey);
    if (known && known.dedupeKey !== job.dedupeKey) return keyTaken(known.id);
    const same = jobs.byDedupeKey(job.dedupeKey);
    if (!same || makesRoom(same.state, repeatable)) {
      const { gasLimit } = simulation;
      const refusal =
        this.#beyond(agent, gasLimit, allowance) ??
        beyondBudget(gasLimit, spent, allowance) ??
        // The last one: a ticket is not used up by what is refused for another reason.
        (request.needsAdmission === false ? undefined : allowance.admit?.(agent, request.ticket));
      if (refusal) return refusal;
      spent.count++;
      spent.gas += gasLimit;
      jobs.freeKey(job.dedupeKey);
      jobs.insert(job, this.#now(), simulation);
    }
    const there = jobs.byDedupeKey(job.dedupeKey) as Job;
    this.#keep.run(keyOfAgent(agent, idempotencyKey), job.dedupeKey, there.id);
    return there;
  }

  #beyond(agent: string, gasLimit: number, { sinceMs, requests, gas }: Allowance): AffiantError | undefined {
    if (requests === 0 && gas === 0) return undefined;
    const used = this.usage(agent, sinceMs);
    const isBeyond = (requests > 0 && used.count >= requests) || (gas > 0 && used.gas + gasLimit > gas);
    if (!isBeyond) return undefined;
    return new AffiantError("ERR_LIMIT_QUOTA", "the agent has used up what this relayer carries for it in a day", {
      details: { requests: used.count, gas: used.gas, quotaPerDay: requests, gasPerDay: gas },
    });
  }
}

/** Neither part has a blank in it. */
function keyOfAgent(agent: string, key: string): string {
  return `${agent} ${key}`;
}

function beyondBudget(
  gasLimit: number,
  spent: { readonly count: number; readonly gas: number },
  { budget = { requests: 0, gas: 0 } }: Allowance,
): AffiantError | undefined {
  const isBeyond =
    (budget.requests > 0 && spent.count >= budget.requests) || (budget.gas > 0 && spent.gas + gasLimit > budget.gas);
  if (!isBeyond) return undefined;
  return new AffiantError("ERR_LIMIT_BUDGET", "this relayer carries no more for anybody today", {
    details: { retryAfterSec: 3_600 },
  });
}

export function keyTaken(requestId: string): AffiantError {
  return new AffiantError("ERR_CONFLICT_IDEMPOTENCY_KEY", "the key was used for another call", {
    details: { requestId },
  });
}
