import { LRUCache } from "lru-cache";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

const windowMs = 60_000;

/** So many times as much is allowed to an address, for all whom it claims to be together. */
const addressFactor = 10;

/**
 * How many costly answers were wrong lately, from one address for one agent, and from the address for all. Asked before the next one
 * is verified, so that a flood of bad proofs costs this server a bounded number of verifications a minute. By agent too, since many
 * agents share an address; by address too, since a stranger elsewhere must not shut an agent out.
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
  begin(address: string, claimed: string): { readonly good: () => void } {
    const one = this.#window(`${address} ${claimed}`, this.#most);
    const all = this.#window(address, this.#most * addressFactor);
    one.count++;
    all.count++;
    const good = () => {
      one.count--;
      all.count--;
    };
    return { good };
  }

  #window(name: string, most: number): { count: number } {
    let window = this.#counts.get(name);
    if (!window || window.untilMs <= this.#nowMs()) {
      window = { count: 0, untilMs: this.#nowMs() + windowMs };
      this.#counts.set(name, window);
    }
    if (window.count < most) return window;
    throw new AffiantError("ERR_LIMIT_RATE", `more than ${most} wrong answers a minute`, {
      details: { retryAfterSec: Math.max(1, Math.ceil((window.untilMs - this.#nowMs()) / 1_000)) },
    });
  }
}
