import { LRUCache } from "lru-cache";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

const windowMs = 60_000;

/**
 * How many costly answers of an address were wrong lately. Asked before the next one is verified, so that a flood of bad proofs costs
 * this server a bounded number of verifications a minute, and each sender its own.
 */
export class Failures {
  readonly #most: number;
  readonly #nowMs: () => number;
  readonly #counts = new LRUCache<string, { count: number; untilMs: number }>({ max: 20_000 });

  constructor(most: number, nowMs: () => number = Date.now) {
    this.#most = most;
    this.#nowMs = nowMs;
  }

  /** Counts one as failed until it is taken back: many at once are counted before any is verified. @throws AffiantError ERR_LIMIT_RATE */
  begin(address: string): { readonly good: () => void } {
    let window = this.#counts.get(address);
    if (!window || window.untilMs <= this.#nowMs()) {
      window = { count: 0, untilMs: this.#nowMs() + windowMs };
      this.#counts.set(address, window);
    }
    if (window.count >= this.#most) {
      throw new AffiantError("ERR_LIMIT_RATE", `more than ${this.#most} wrong answers a minute`, {
        details: { retryAfterSec: Math.max(1, Math.ceil((window.untilMs - this.#nowMs()) / 1_000)) },
      });
    }
    window.count++;
    const counted = window;
    return { good: () => void counted.count-- };
  }
}
