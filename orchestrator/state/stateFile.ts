import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makePrivate } from "../../host/files/privateFile.ts";

/** Where the orchestrator's memory is in a data folder. */
export function stateFileIn(dataDir: string): string {
  return join(dataDir, "orchestrator/state.db");
}

/** Something that happened, for people. */
export interface OrchestratorEvent {
  readonly id: number;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly level: "info" | "alarm";
  /** An agent's name, or `pipeline`. */
  readonly subject: string;
  readonly text: string;
}

/** What another process asks of the orchestrator that runs: `down`, `apply` (another descriptor). */
export interface ControlRequest {
  readonly id: number;
  readonly kind: "down" | "apply";
  /** Path of the descriptor, for `apply`. */
  readonly argument: string;
  readonly answer: string | null;
}

/**
 * What the orchestrator must not forget, in SQLite: records by kind and key (JSON), events, and requests of others. Each
 * write is on the disk when it returns, so whoever is killed goes on from the last one. What stands on the chain is not
 * kept here: it is asked for.
 */
export class StateFile {
  readonly #sql: DatabaseSync;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    makePrivate(path);
    this.#sql = new DatabaseSync(path);
    this.#sql.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT;
    CREATE TABLE IF NOT EXISTS events (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at_ms INTEGER NOT NULL,
      level TEXT NOT NULL,
      subject TEXT NOT NULL,
      text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS requests (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      kind TEXT NOT NULL,
      argument TEXT NOT NULL,
      answer TEXT
    ) STRICT;`);
  }

  get<T>(kind: string, key: string): T | undefined {
    const row = this.#sql.prepare("SELECT value FROM records WHERE kind = ? AND key = ?").get(kind, key);
    return row && (JSON.parse((row as { value: string }).value) as T);
  }

  put(kind: string, key: string, value: unknown): void {
    this.#sql.prepare("INSERT OR REPLACE INTO records VALUES (?, ?, ?)").run(kind, key, JSON.stringify(value));
  }

  remove(kind: string, key: string): void {
    this.#sql.prepare("DELETE FROM records WHERE kind = ? AND key = ?").run(kind, key);
  }

  /** By key, in its order. */
  all<T>(kind: string): readonly (readonly [key: string, value: T])[] {
    const rows = this.#sql.prepare("SELECT key, value FROM records WHERE kind = ? ORDER BY key").all(kind);
    return (rows as unknown as { key: string; value: string }[]).map(({ key, value }) => [key, JSON.parse(value) as T]);
  }

  say(level: OrchestratorEvent["level"], subject: string, text: string, atMs: number): void {
    this.#sql
      .prepare("INSERT INTO events (at_ms, level, subject, text) VALUES (?, ?, ?, ?)")
      .run(atMs, level, subject, text);
  }

  /** Oldest first. @param after id of the last one that is known */
  events(after = 0, limit = 1000): readonly OrchestratorEvent[] {
    const rows = this.#sql
      .prepare("SELECT id, at_ms, level, subject, text FROM events WHERE id > ? ORDER BY id LIMIT ?")
      .all(after, limit);
    return (rows as unknown as (Omit<OrchestratorEvent, "atMs"> & { at_ms: number })[]).map(({ at_ms, ...event }) => {
      return { ...event, atMs: at_ms };
    });
  }

  /** @returns its id */
  ask(kind: ControlRequest["kind"], argument: string): number {
    const { lastInsertRowid } = this.#sql
      .prepare("INSERT INTO requests (kind, argument) VALUES (?, ?)")
      .run(kind, argument);
    return Number(lastInsertRowid);
  }

  openRequests(): readonly ControlRequest[] {
    return this.#sql
      .prepare("SELECT * FROM requests WHERE answer IS NULL ORDER BY id")
      .all() as unknown as ControlRequest[];
  }

  answer(id: number, answer: string): void {
    this.#sql.prepare("UPDATE requests SET answer = ? WHERE id = ?").run(answer, id);
  }

  answerOf(id: number): string | null {
    const row = this.#sql.prepare("SELECT answer FROM requests WHERE id = ?").get(id) as
      { answer: string | null } | undefined;
    return row?.answer ?? null;
  }

  close(): void {
    this.#sql.close();
  }
}
