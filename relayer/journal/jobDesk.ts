import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Problem } from "../../protocol/errors/problem.ts";
import { type Database, openDatabase } from "../store/database.ts";
import type { JobKind, JobState } from "./job.ts";
import { JobTable } from "./jobTable.ts";

/** A job as an operator sees it. */
export interface JobLine {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly agent: string | null;
  readonly target: string;
  readonly lane: string | null;
  readonly nonce: number | null;
  readonly txHash: string | null;
  readonly acceptedAt: string;
  readonly changedAt: string;
  /** How often a node could not run it. */
  readonly setbacks: number;
  /** Why it failed, or why it waits. */
  readonly why: string | undefined;
}

type Row = Omit<JobLine, "acceptedAt" | "changedAt" | "why"> & {
  readonly acceptedAtMs: number;
  readonly changedAtMs: number;
  readonly error: string | null;
  readonly setbackWhy: string | null;
};

const columns = `id, kind, state, agent, target, lane, nonce, tx_hash AS txHash, accepted_at_ms AS acceptedAtMs,
  changed_at_ms AS changedAtMs, setbacks, error, setback_why AS setbackWhy`;

/**
 * The journal for its operator: look at jobs, and have failed requests tried again. What failed stays here, whatever
 * becomes of any queue: this is the dead-letter box.
 */
export class JobDesk {
  readonly #database: Database;
  readonly #now: () => number;

  constructor(database: Database, now: () => number = Date.now) {
    this.#database = database;
    this.#now = now;
  }

  /** @throws AffiantError ERR_INPUT_DATA_FOLDER, and those of `openDatabase` */
  static open(file: string, keyFile?: string): JobDesk {
    if (!existsSync(file)) throw new AffiantError("ERR_INPUT_DATA_FOLDER", `there is no journal at ${file}`);
    return new JobDesk(openDatabase(file, undefined, keyFile));
  }

  /** Newest first. `open`: what is not over. */
  list(state: JobState | "open", limit: number): JobLine[] {
    const where = state === "open" ? "state NOT IN ('final', 'failed')" : "state = ?";
    const statement = this.#database.sql.prepare(
      `SELECT ${columns} FROM job WHERE ${where} ORDER BY accepted_at_ms DESC, rowid DESC LIMIT ?`,
    );
    const rows = state === "open" ? statement.all(limit) : statement.all(state, limit);
    return (rows as unknown as Row[]).map(toLine);
  }

  /**
   * Puts a failed request back to the start. One that never got on chain keeps its id; of one that reverted there the
   * transaction stays on record, and the call becomes a new request, which its client finds under the same
   * Idempotency-Key. The contract's own replay protection holds for both.
   * @returns the id to follow
   * @throws AffiantError ERR_NOT_FOUND_JOB, ERR_CONFLICT_JOB_STATE, ERR_CONFLICT_ROW_ALTERED
   */
  retry(id: string): string {
    return this.#database.transaction("job.retry", () => {
      const row = this.#database.sql.prepare(`SELECT ${columns} FROM job WHERE id = ?`).get(id) as Row | undefined;
      if (!row) throw new AffiantError("ERR_NOT_FOUND_JOB", `the journal has no job ${id}`);
      if (row.state !== "failed" || row.kind !== "request") {
        throw new AffiantError("ERR_CONFLICT_JOB_STATE", `job ${id} is a ${row.kind} that is ${row.state}`, {
          hint: "only failed requests are tried again; the relayer makes its own jobs anew by itself",
        });
      }
      new JobTable(this.#database.sql).intact(id); // a copy of it would get a digest of its own
      const key = this.#freeKey(id);
      return row.txHash === null ? this.#again(id, key) : this.#anew(id, key);
    });
  }

  close(): void {
    this.#database.close();
  }

  /** @returns the key of the call. @throws AffiantError ERR_CONFLICT_JOB_STATE if its client asked again since */
  #freeKey(id: string): string {
    const { sql } = this.#database;
    const row = sql.prepare("SELECT dedupe_key AS key FROM job WHERE id = ?").get(id) as { key: string };
    const key = row.key.split("#")[0] ?? row.key;
    const holder = sql.prepare("SELECT id, state FROM job WHERE dedupe_key = ?").get(key);
    if (holder && holder["id"] !== id) {
      throw new AffiantError("ERR_CONFLICT_JOB_STATE", `the call of ${id} was asked for again since`, {
        details: holder,
      });
    }
    return key;
  }

  #again(id: string, key: string): string {
    this.#database.sql
      .prepare(
        `UPDATE job SET state = 'accepted', dedupe_key = ?, lane = NULL, nonce = NULL, gas_limit = NULL,
           simulated_at_block = NULL, error = NULL, setbacks = 0, not_before_ms = 0, setback_why = NULL,
           changed_at_ms = ? WHERE id = ?`,
      )
      .run(key, this.#now(), id);
    return id;
  }

  #anew(id: string, key: string): string {
    const { sql } = this.#database;
    const next = randomUUID();
    const nowMs = this.#now();
    sql.prepare("UPDATE job SET dedupe_key = ? || '#' || id WHERE id = ?").run(key, id);
    sql
      .prepare(
        `INSERT INTO job (id, dedupe_key, kind, agent, target, data, state, accepted_at_ms, changed_at_ms)
         SELECT ?, ?, kind, agent, target, data, 'accepted', ?, ? FROM job WHERE id = ?`,
      )
      .run(next, key, nowMs, nowMs, id);
    sql.prepare("UPDATE idempotency SET job = ? WHERE job = ?").run(next, id);
    return next;
  }
}

function toLine({ acceptedAtMs, changedAtMs, error, setbackWhy, ...row }: Row): JobLine {
  const problem = error === null ? undefined : (JSON.parse(error) as Problem);
  return {
    ...row,
    acceptedAt: new Date(acceptedAtMs).toISOString(),
    changedAt: new Date(changedAtMs).toISOString(),
    why: problem ? `${problem.code}: ${problem.detail}` : (setbackWhy ?? undefined),
  };
}
