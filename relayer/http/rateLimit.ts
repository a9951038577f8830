import { type RequestHandler } from "express";
import { LRUCache } from "lru-cache";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

const windowMs = 60_000;

/**
 * Bounds the requests of one address, counted in windows of a minute. Behind a proxy all requests have the proxy's
 * address: then the proxy must limit, since a forwarded address can be made up.
 * @param perMinute 0 = no limit
 */
export function limitRate(perMinute: number, now: () => number = Date.now): RequestHandler {
  const counts = new LRUCache<string, { count: number; untilMs: number }>({ max: 20_000 });
  return (request, _response, next) => {
    if (perMinute === 0) {
      next();
      return;
    }
    const address = request.socket.remoteAddress ?? "unknown";
    let window = counts.get(address);
    if (!window || window.untilMs <= now()) {
      window = { count: 0, untilMs: now() + windowMs };
      counts.set(address, window);
    }
    window.count++;
    if (window.count <= perMinute) {
      next();
      return;
    }
    next(
      new AffiantError("ERR_LIMIT_RATE", `more than ${perMinute} requests a minute`, {
        details: { retryAfterSec: Math.ceil((window.untilMs - now()) / 1_000) },
      }),
    );
  };
}
