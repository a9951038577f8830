import { DatabaseSync } from "node:sqlite";

import type { Json } from "../../../protocol/json/canonical.ts";
import type { Step } from "./step.ts";

interface StepRow {
  readonly key: string;
  readonly order_id: string;
  readonly act: string;
  readonly kind: "act" | "refusal";
  readonly input: string;
  readonly output: string;
  readonly entry_id: string | null;
  readonly context: string | null;
  readonly ctr: string | null;
  readonly decided_at_sec: number | null;
}

const select = "SELECT * FROM steps LEFT JOIN step_calls USING (key)";

/**
 * What an agent has decided, on disk, with whatever its decisions changed (its stock, its ledger, its queue). A step has
 * a key; a step that is here is never decided again, so a request may be repeated after any crash.
 */
export class Workbook {
  /** For the tables of the agent's own trade; what a decision changes must be changed inside {@link decide}. */
  readonly sql: DatabaseSync;

  constructor(path: string) {
    this.sql = new DatabaseSync(path);
    this.sql.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
    this.sql.exec(`CREATE TABLE IF NOT EXISTS steps (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL UNIQUE,
      order_id TEXT NOT NULL,
      act TEXT NOT NULL,
      kind TEXT NOT NULL,
      input TEXT NOT NULL,
      output TEXT NOT NULL,
      entry_id TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS step_calls (
      key TEXT PRIMARY KEY,
      context TEXT NOT NULL,
      ctr TEXT,
      decided_at_sec INTEGER NOT NULL
    ) STRICT`);
  }

  step(key: string): Step | undefined {
    const row = this.sql.prepare(`${select} WHERE key = ?`).get(key) as unknown as StepRow | undefined;
    return row && toStep(row);
  }

  /** The steps of one order, oldest first. */
  stepsOf(orderId: string): readonly Step[] {
    const rows = this.sql.prepare(`${select} WHERE order_id = ? ORDER BY position`).all(orderId);
    return (rows as unknown as StepRow[]).map(toStep);
  }

  /** Steps that were decided and not put on record before the process ended. */
  unrecorded(): readonly Step[] {
    const rows = this.sql.prepare(`${select} WHERE entry_id IS NULL ORDER BY position`).all();
    return (rows as unknown as StepRow[]).map(toStep);
  }

  /** Stores a decision together with what it changes: both are on disk afterwards, or neither is. */
  decide(step: Omit<Step, "entryId">, change: () => void): void {
    this.transaction(() => {
      change();
      this.sql
        .prepare("INSERT INTO steps (key, order_id, act, kind, input, output) VALUES (?, ?, ?, ?, ?, ?)")
        .run(step.key, step.orderId, step.act, step.kind, JSON.stringify(step.input), JSON.stringify(step.output));
      if (!step.call) return;
      const { context, ctr, decidedAtSec } = step.call;
      this.sql
        .prepare("INSERT INTO step_calls VALUES (?, ?, ?, ?)")
        .run(step.key, JSON.stringify(context), ctr, decidedAtSec);
    });
  }

  markRecorded(key: string, entryId: string): void {
    this.sql.prepare("UPDATE steps SET entry_id = ? WHERE key = ?").run(entryId, key);
  }

  countSteps(kind: Step["kind"]): number {
    return (this.sql.prepare("SELECT count(*) AS n FROM steps WHERE kind = ?").get(kind) as { n: number }).n;
  }

  transaction<T>(work: () => T): T {
    this.sql.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.sql.exec("COMMIT");
      return result;
    } catch (error) {
      this.sql.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.sql.close();
  }
}

function toStep(row: StepRow): Step {
  return {
    key: row.key,
    orderId: row.order_id,
    act: row.act,
    kind: row.kind,
    input: JSON.parse(row.input) as Json,
    output: JSON.parse(row.output) as Json,
    entryId: row.entry_id,
    call:
      row.context === null
        ? null
        : { context: JSON.parse(row.context) as Json, ctr: row.ctr, decidedAtSec: row.decided_at_sec ?? 0 },
  };
}
