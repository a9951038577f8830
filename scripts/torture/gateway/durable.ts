import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from "node:fs";

import type { LedgerAgent } from "../../../adapters/acts/actLedger.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";

/** A file of JSON lines; a line is on disk when `add` returns, and half a line at its end is none. */
export class DurableLines<Line> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  add(line: Line): void {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    const file = openSync(this.#path, "r");
    fsyncSync(file);
    closeSync(file);
  }

  all(): readonly Line[] {
    if (!existsSync(this.#path)) return [];
    return readFileSync(this.#path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }
}

/** An agent whose journal is a file: one entry a key, as the real one has it. */
export function durableAgent(path: string, step: (point: string) => void): LedgerAgent {
  const journal = new DurableLines<Act>(path);
  return {
    ready: () => Promise.resolve(),
    enter: (act) => {
      step("before the entry");
      if (journal.all().some(({ idempotencyKey }) => idempotencyKey === act.idempotencyKey)) {
        return Promise.reject(new AffiantError("ERR_CONFLICT_IDEMPOTENCY_REUSED", "entered already"));
      }
      journal.add(act);
      step("after the entry");
      return Promise.resolve();
    },
  };
}
