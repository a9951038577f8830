import type { DatabaseSync, StatementSync } from "node:sqlite";

import { holdsExpression } from "../store/rows/tables.ts";
import { rowAltered } from "../store/rows/rowAltered.ts";
import { type Job, type JobKind, type JobState, jobStates, type Mined, type NewJob, type Simulation } from "./job.ts";

const columns = `id, kind, agent, target, data, state, lane, nonce, gas_limit AS gasLimit,
  simulated_at_block AS simulatedAtBlock, tx_hash AS txHash, block_number AS blockNumber, block_hash AS blockHash,
  gas_used AS gasUsed, fee_wei AS feeWei, error, accepted_at_ms AS acceptedAtMs`;

/** A block that mined jobs of a lane stand in. */
export interface MinedBlock {
  readonly blockNumber: number;
  readonly blockHash: string;
}

/** The statements over the table `job`. Whoever calls a writing one has a transaction open. */
export class JobTable {
  readonly #sql: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  #holds: string | undefined;

  constructor(sql: DatabaseSync) {
    this.#sql = sql;
  }

  insert(job: NewJob, nowMs: number, simulation?: Simulation): void {
    const { id, dedupeKey, kind, agent, target, data, lane } = job;
    this.#run(
      `INSERT INTO job (id, dedupe_key, kind, agent, target, data, lane, state, gas_limit, simulated_at_block,
         accepted_at_ms, changed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dedupe_key) DO NOTHING`,
      ...[id, dedupeKey, kind, agent, target, data, lane, simulation ? "simulated" : "accepted"],
      ...[simulation?.gasLimit ?? null, simulation?.blockNumber ?? null, nowMs, nowMs],
    );
  }

  /** Lets a job's key be used again: for one that failed, or that is through and may be asked for once more. */
  freeKey(dedupeKey: string): void {
    this.#run("UPDATE job SET dedupe_key = dedupe_key || '#' || id WHERE dedupe_key = ?", dedupeKey);
  }

  /**
   * A job for whoever signs what it says.
   * @throws AffiantError ERR_CONFLICT_ROW_ALTERED if the row is not what this relayer wrote, or gone
   */
  intact(id: string): Job {
    this.#holds ??= holdsExpression(this.#sql, "job");
    const row = this.#statement(`SELECT ${columns}, ${this.#holds} AS holds FROM job WHERE id = ?`).get(id);
    const { holds, ...job } = (row ?? { holds: 0 }) as unknown as Job & { holds: number };
    if (holds !== 1) throw rowAltered("job", id);
    return job;
  }

  byId(id: string): Job | undefined {
    return this.#statement(`SELECT ${columns} FROM job WHERE id = ?`).get(id) as Job | undefined;
  }

  byDedupeKey(key: string): Job | undefined {
    return this.#statement(`SELECT ${columns} FROM job WHERE dedupe_key = ?`).get(key) as Job | undefined;
  }

  /** A lane's jobs, lowest nonce, then oldest, first; every lane's without `lane`. */
  inState(state: JobState, limit: number, lane?: string): Job[] {
    const order = "ORDER BY ifnull(nonce, 0), accepted_at_ms, rowid LIMIT ?";
    const found =
      lane === undefined
        ? this.#statement(`SELECT ${columns} FROM job WHERE state = ? ${order}`).all(state, limit)
        : this.#statement(`SELECT ${columns} FROM job WHERE state = ? AND lane = ? ${order}`).all(state, lane, limit);
    return found as unknown as Job[];
  }

  isUnderWay(kind: JobKind): boolean {
    const row = this.#statement(
      "SELECT 1 FROM job WHERE state IN ('accepted', 'simulated', 'signed', 'broadcast') AND kind = ? LIMIT 1",
    ).get(kind);
    return row !== undefined;
  }

  countInState(state: JobState, lane: string): number {
    const row = this.#statement("SELECT count(*) AS count FROM job WHERE state = ? AND lane = ?").get(state, lane);
    return (row as { count: number }).count;
  }

  gasInFlight(lane: string): number {
    const row = this.#statement(
      "SELECT ifnull(sum(gas_limit), 0) AS gas FROM job WHERE state IN ('signed', 'broadcast') AND lane = ?",
    ).get(lane);
    return (row as { gas: number }).gas;
  }

  /** Whether a job waits that no lane has taken and that is not to wait longer. */
  hasUntaken(nowMs: number): boolean {
    const row = this.#statement(
      `SELECT 1 FROM job WHERE state IN ('accepted', 'simulated') AND lane IS NULL AND not_before_ms <= ? LIMIT 1`,
    ).get(nowMs);
    return row !== undefined;
  }

  take(lane: string, limit: number, nowMs: number): void {
    this.#run(
      `UPDATE job SET lane = ?, changed_at_ms = ? WHERE rowid IN
         (SELECT rowid FROM job WHERE state IN ('accepted', 'simulated') AND lane IS NULL AND not_before_ms <= ?
          ORDER BY accepted_at_ms, rowid LIMIT ?)`,
      ...[lane, nowMs, nowMs, limit],
    );
  }

  /** Takes a lane's requests that hold no nonce back into everybody's reach. */
  giveBack(lane: string, nowMs: number): void {
    this.#run(
      `UPDATE job SET lane = NULL, changed_at_ms = ?
       WHERE lane = ? AND kind = 'request' AND state IN ('accepted', 'simulated')`,
      ...[nowMs, lane],
    );
  }

  /** How often the node could not run a request's call. */
  setbacks(id: string): number {
    const row = this.#statement("SELECT setbacks FROM job WHERE id = ?").get(id);
    return (row as { setbacks: number } | undefined)?.setbacks ?? 0;
  }

  /** Back into everybody's reach, but not before a time. */
  setBack(id: string, why: string, notBeforeMs: number, nowMs: number): void {
    this.#run(
      `UPDATE job SET state = 'accepted', lane = NULL, gas_limit = NULL, simulated_at_block = NULL,
         setbacks = setbacks + 1, setback_why = ?, not_before_ms = ?, changed_at_ms = ?
       WHERE id = ? AND state IN ('accepted', 'simulated')`,
      ...[why, notBeforeMs, nowMs, id],
    );
  }

  /** The relayer's own jobs that name no lane: those of a journal from before there were several. */
  adoptOwn(lane: string, nowMs: number): void {
    this.#run(
      "UPDATE job SET lane = ?, changed_at_ms = ? WHERE lane IS NULL AND kind <> 'request' AND state <> 'failed'",
      ...[lane, nowMs],
    );
  }

  hasUnsigned(lane: string): boolean {
    const row = this.#statement(
      "SELECT 1 FROM job WHERE lane = ? AND kind = 'request' AND state IN ('accepted', 'simulated') LIMIT 1",
    ).get(lane);
    return row !== undefined;
  }

  simulated(id: string, { gasLimit, blockNumber }: Simulation, nowMs: number): void {
    this.#run(
      `UPDATE job SET state = 'simulated', gas_limit = ?, simulated_at_block = ?, changed_at_ms = ?
       WHERE id = ? AND state IN ('accepted', 'simulated')`,
      ...[gasLimit, blockNumber, nowMs, id],
    );
  }

  claim(id: string, lane: string, nonce: number, nowMs: number): void {
    this.#run(
      "UPDATE job SET state = 'signed', lane = ?, nonce = ?, changed_at_ms = ? WHERE id = ?",
      ...[lane, nonce, nowMs, id],
    );
  }

  broadcast(id: string, nowMs: number): void {
    this.#run("UPDATE job SET state = 'broadcast', changed_at_ms = ? WHERE id = ? AND state = 'signed'", nowMs, id);
  }

  mined(id: string, mined: Mined, error: string | null, nowMs: number): void {
    const { txHash, blockNumber, blockHash, gasUsed, feeWei } = mined;
    this.#run(
      `UPDATE job SET state = 'mined', tx_hash = ?, block_number = ?, block_hash = ?, gas_used = ?, fee_wei = ?,
         error = ?, changed_at_ms = ? WHERE id = ?`,
      ...[txHash, blockNumber, blockHash, gasUsed, String(feeWei), error, nowMs, id],
    );
  }

  minedBlocks(lane: string): MinedBlock[] {
    return this.#statement(
      `SELECT DISTINCT block_number AS blockNumber, block_hash AS blockHash FROM job
       WHERE state = 'mined' AND lane = ? ORDER BY block_number`,
    ).all(lane) as unknown as MinedBlock[];
  }

  inBlock(lane: string, blockHash: string): Job[] {
    return this.#statement(`SELECT ${columns} FROM job WHERE state = 'mined' AND lane = ? AND block_hash = ?`).all(
      lane,
      blockHash,
    ) as unknown as Job[];
  }

  /** A block is deep enough: what succeeded in it is final, what reverted has failed. */
  settle(lane: string, blockHash: string, nowMs: number): void {
    this.#run(
      `UPDATE job SET state = CASE WHEN error IS NULL THEN 'final' ELSE 'failed' END, changed_at_ms = ?
       WHERE state = 'mined' AND lane = ? AND block_hash = ?`,
      ...[nowMs, lane, blockHash],
    );
  }

  unmine(id: string, nowMs: number): void {
    this.#run(
      `UPDATE job SET state = 'broadcast', tx_hash = NULL, block_number = NULL, block_hash = NULL, gas_used = NULL,
         fee_wei = NULL, error = NULL, changed_at_ms = ? WHERE id = ?`,
      ...[nowMs, id],
    );
  }

  fail(id: string, error: string, nowMs: number): void {
    this.#run("UPDATE job SET state = 'failed', error = ?, changed_at_ms = ? WHERE id = ?", error, nowMs, id);
  }

  /** Back to the start, under whichever lane takes it; the relayer's own jobs stay with theirs. */
  restart(id: string, nowMs: number): void {
    this.#run(
      `UPDATE job SET state = 'accepted', nonce = NULL, gas_limit = NULL, simulated_at_block = NULL,
         lane = CASE WHEN kind = 'request' THEN NULL ELSE lane END, changed_at_ms = ? WHERE id = ?`,
      ...[nowMs, id],
    );
  }

  noncesFrom(lane: string, from: number): number[] {
    const rows = this.#statement("SELECT nonce FROM job WHERE lane = ? AND nonce >= ?").all(lane, from);
    return (rows as { nonce: number }[]).map(({ nonce }) => nonce);
  }

  /** Lanes with work that is not over. */
  busyLanes(): string[] {
    const rows = this.#statement(
      `SELECT DISTINCT lane FROM job
       WHERE state IN ('accepted', 'simulated', 'signed', 'broadcast', 'mined') AND lane IS NOT NULL`,
    ).all();
    return (rows as { lane: string }[]).map(({ lane }) => lane);
  }

  counts(): Record<JobState, number> {
    const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
    const rows = this.#statement("SELECT state, count(*) AS count FROM job GROUP BY state").all();
    for (const { state, count } of rows as { state: JobState; count: number }[]) counts[state] = count;
    return counts;
  }

  usage(agent: string, sinceMs: number): { count: number; gas: number } {
    return this.#statement(
      `SELECT count(*) AS count, ifnull(sum(ifnull(gas_used, ifnull(gas_limit, 0))), 0) AS gas
       FROM job WHERE agent = ? AND accepted_at_ms > ?`,
    ).get(agent, sinceMs) as { count: number; gas: number };
  }

  /** Requests of all agents since a time, and the gas they took (or may take). */
  usageOfAll(sinceMs: number): { count: number; gas: number } {
    return this.#statement(
      `SELECT count(*) AS count, ifnull(sum(ifnull(gas_used, ifnull(gas_limit, 0))), 0) AS gas
       FROM job WHERE accepted_at_ms > ? AND kind = 'request'`,
    ).get(sinceMs) as { count: number; gas: number };
  }

  spent(): { gas: number; feeEther: number } {
    return this.#statement(
      `SELECT ifnull(sum(gas_used), 0) AS gas, ifnull(sum(fee_wei / 1e18), 0) AS feeEther
       FROM job WHERE gas_used IS NOT NULL`,
    ).get() as { gas: number; feeEther: number };
  }

  #run(text: string, ...values: (string | number | null | Uint8Array)[]): void {
    this.#statement(text).run(...values);
  }

  #statement(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (!statement) {
      statement = this.#sql.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }
}
