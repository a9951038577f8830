import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Job, NewRequest } from "../journal/job.ts";
import type { Allowance, Journal } from "../journal/journal.ts";

interface Waiting {
  readonly request: NewRequest;
  readonly resolve: (job: Job) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts requests into the journal, those that come in one turn of the event loop in one durable transaction: a disk that
 * takes milliseconds for a commit is asked once for all of them. Nobody hears of a request before its commit.
 */
export class RequestIntake {
  readonly #journal: Journal;
  readonly #allowance: () => Allowance;
  #waiting: Waiting[] = [];

  constructor(journal: Journal, allowance: () => Allowance) {
    this.#journal = journal;
    this.#allowance = allowance;
  }

  /** @throws AffiantError ERR_LIMIT_QUOTA, ERR_UNAVAILABLE_STORAGE */
  add(request: NewRequest): Promise<Job> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ request, resolve, reject }) === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const requests = waiting.map(({ request }) => request);
      const results = this.#journal.addRequests(requests, this.#allowance());
      waiting.forEach(({ resolve, reject }, i) => {
        const result = results[i];
        if (result === undefined || result instanceof AffiantError) reject(result);
        else resolve(result);
      });
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
