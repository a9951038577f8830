import { isIPv6 } from "node:net";

import { type RateLimitInfo, rateLimit, type Store } from "express-rate-limit";
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
    if (window.count >= this.#perMinute) throw tooMany(this.#perMinute, window.untilMs - nowMs);
    window.count++;
  }
}

export interface AddressLimit {
  /** Requests of one address a minute; 0 = no limit. */
  readonly perMinute: number;
  /** Where is counted: in this process, or in a Redis that several share. */
  readonly store: Store;
  /** Whose request it is. */
  readonly addressOf: AddressOf;
}

/** The address that a request is charged to, an IPv6 network for one of its addresses. */
export type AddressOf = (request: Parameters<Guard>[0]) => string;

/**
 * Bounds the requests of one address. `/healthz` is not counted: who watches a process must not be turned away by who
 * floods it.
 */
export function limitRate({ perMinute, store, addressOf }: AddressLimit): Guard {
  if (perMinute === 0) return (_request, _response, next) => next();
  const limiter = rateLimit({
    windowMs,
    limit: perMinute,
    store,
    keyGenerator: (request) => addressOf(request),
    skip: ({ url }) => url === "/healthz",
    handler: (request, _response, next) => {
      const { resetTime } = (request as unknown as { rateLimit: RateLimitInfo }).rateLimit;
      next(tooMany(perMinute, (resetTime?.getTime() ?? Date.now() + windowMs) - Date.now()));
    },
    // Retry-After of a refusal says what there is to say.
    standardHeaders: false,
    legacyHeaders: false,
    // Its checks are of Express' own settings; this runs ahead of Express, and asks the socket.
    validate: false,
  });
  return (request, response, next) => {
    void limiter(request as Parameters<typeof limiter>[0], response as Parameters<typeof limiter>[1], next);
  };
}

function tooMany(perMinute: number, leftMs: number): AffiantError {
  return new AffiantError("ERR_LIMIT_RATE", `more than ${perMinute} a minute`, {
    details: { retryAfterSec: Math.max(1, Math.ceil(leftMs / 1_000)) },
  });
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
