import { isIPv6 } from "node:net";

import { LRUCache } from "lru-cache";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Guard } from "./guards.ts";

const windowMs = 60_000;

/** Counts by name in windows of a minute. It remembers the names seen last, so that made-up names cannot fill memory. */
export class RateLimiter {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #counts = new LRUCache<string, { count: number; untilMs: number }>({ max: 20_000 });

  /** @param perMinute 0 = no limit */
  constructor(perMinute: number, now: () => number = Date.now) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** @throws AffiantError ERR_LIMIT_RATE, with the seconds until the window ends */
  count(name: string): void {
    if (this.#perMinute === 0) return;
    const nowMs = this.#now();
    let window = this.#counts.get(name);
    if (!window || window.untilMs <= nowMs) {
      window = { count: 0, untilMs: nowMs + windowMs };
      this.#counts.set(name, window);
    }
    if (window.count >= this.#perMinute) {
      throw new AffiantError("ERR_LIMIT_RATE", `more than ${this.#perMinute} a minute`, {
        details: { retryAfterSec: Math.ceil((window.untilMs - nowMs) / 1_000) },
      });
    }
    window.count++;
  }
}

/**
 * Bounds the requests of one address. Behind a proxy all requests have the proxy's address: then the proxy must limit,
 * since a forwarded address can be made up.
 * @param perMinute 0 = no limit
 */
export function limitRate(perMinute: number, now: () => number = Date.now): Guard {
  const limiter = new RateLimiter(perMinute, now);
  return (request, _response, next) => {
    limiter.count(network(request.socket.remoteAddress ?? "unknown"));
    next();
  };
}

/** Who has one IPv6 address has a /64 full of them. */
export function network(address: string): string {
  if (!isIPv6(address)) return address;
  if (address.startsWith("::ffff:") && address.includes(".")) return address.slice(7);
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const start = head === "" ? [] : head.split(":");
  const end = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? [] : Array<string>(8 - start.length - end.length).fill("0");
  const groups = [...start, ...gap, ...end].slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${groups.join(":")}::/64`;
}
