import type { DatabaseSync, StatementSync } from "node:sqlite";

import type { ErrorCode } from "../../protocol/errors/codes.ts";

/** One thing that the authorization server did, or refused to do. No secret, and nothing that could be presented. */
export interface AuditEvent {
  readonly kind: "token" | "login" | "refusal" | "revocation";
  /** DID, or the name that a resource server sees of who keeps it to itself. Absent where nobody was shown to be anybody. */
  readonly subject?: string;
  /** Whom somebody claimed to be who did not show it. */
  readonly claimed?: string;
  readonly clientId?: string;
  readonly method?: string;
  readonly scope?: string;
  readonly resource?: string;
  readonly tokenId?: string;
  readonly block?: number;
  /** Of a refusal. */
  readonly code?: ErrorCode;
  readonly detail?: string;
}

export interface NumberedEvent {
  readonly number: number;
  readonly atSec: number;
  readonly event: AuditEvent;
}

/** Takes events into an agent's own entries; afterwards they stand in the log. */
export type EventSink = (events: readonly NumberedEvent[]) => Promise<void>;

/**
 * The record of all that is issued and refused. An event is on disk before what it tells of is out; a sink, where there is one, takes
 * them on to the log in batches and again after a crash, so an event is entered at least once under its number.
 */
export class Audit {
  readonly #db: DatabaseSync;
  readonly #nowSec: () => number;
  readonly #insert: StatementSync;
  #sink: EventSink | undefined;
  #draining: Promise<void> | undefined;

  constructor(db: DatabaseSync, nowSec: () => number) {
    this.#db = db;
    this.#nowSec = nowSec;
    this.#insert = db.prepare("INSERT INTO audit (at_sec, event) VALUES (?, ?)");
  }

  /** Durable when it returns. */
  enter(event: AuditEvent): void {
    this.#insert.run(this.#nowSec(), JSON.stringify(event));
    if (this.#sink) void this.drain();
  }

  to(sink: EventSink): void {
    this.#sink = sink;
    void this.drain();
  }

  /** Hands on what was not taken yet. What the sink does not take stays. */
  drain(): Promise<void> {
    this.#draining ??= this.#drainAll().finally(() => (this.#draining = undefined));
    return this.#draining;
  }

  /** The newest events, newest first. */
  newest(limit: number): readonly NumberedEvent[] {
    const rows = this.#db.prepare("SELECT number, at_sec, event FROM audit ORDER BY number DESC LIMIT ?").all(limit);
    return rows.map(eventOf);
  }

  async #drainAll(): Promise<void> {
    const sink = this.#sink;
    if (!sink) return;
    const open = this.#db.prepare(
      "SELECT number, at_sec, event FROM audit WHERE entered = 0 ORDER BY number LIMIT 100",
    );
    const mark = this.#db.prepare("UPDATE audit SET entered = 1 WHERE number <= ? AND entered = 0");
    for (let rows = open.all(); rows.length > 0; rows = open.all()) {
      const events = rows.map(eventOf);
      try {
        await sink(events);
      } catch {
        return; // with the next event, or at the next start
      }
      mark.run((events.at(-1) as NumberedEvent).number);
    }
  }
}

function eventOf(row: Record<string, unknown>): NumberedEvent {
  const { number, at_sec, event } = row as { number: number; at_sec: number; event: string };
  return { number, atSec: at_sec, event: JSON.parse(event) as AuditEvent };
}
