import type { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import type { Workbook } from "../station/workbook.ts";

/** How a step of another agent ended, for the one that asked for it. */
export type Outcome =
  | { readonly act: string; readonly output: Json }
  | { readonly act: string; readonly refused: { readonly code: string; readonly reason: string } };

/** What came back, on disk: an entry that was begun with it must be finished with it. */
export type StoredAnswer =
  { readonly result: Json } | { readonly error: { readonly code: AffiantError["code"]; readonly message: string } };

/** Where a step stands that another agent was asked for. */
export interface OpenCall {
  /** The signed call that is under way, as it travels; null if a new one is to be signed. */
  readonly message: string | null;
  /** Whether it asks for the result of an earlier call, whose answer was lost. */
  readonly asking: boolean;
  readonly answer: StoredAnswer | null;
  readonly outcome: Outcome | null;
}

/** The calls of an agent, on disk before they are sent. */
export class CallBook {
  readonly #book: Workbook;

  constructor(book: Workbook) {
    this.#book = book;
    book.sql.exec(`CREATE TABLE IF NOT EXISTS calls (
      key TEXT PRIMARY KEY,
      message TEXT,
      asking INTEGER NOT NULL,
      answer TEXT,
      outcome TEXT
    ) STRICT`);
  }

  find(key: string): OpenCall {
    const row = this.#book.sql.prepare("SELECT message, asking, answer, outcome FROM calls WHERE key = ?").get(key) as
      { message: string | null; asking: number; answer: string | null; outcome: string | null } | undefined;
    if (!row) return { message: null, asking: false, answer: null, outcome: null };
    return {
      message: row.message,
      asking: row.asking === 1,
      answer: row.answer === null ? null : (JSON.parse(row.answer) as StoredAnswer),
      outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as Outcome),
    };
  }

  store(key: string, { message, asking, answer, outcome }: OpenCall): void {
    const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
    this.#book.sql
      .prepare("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?)")
      .run(key, message, Number(asking), json(answer), json(outcome));
  }
}
