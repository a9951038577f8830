import { randomUUID } from "node:crypto";

import type { Logger } from "pino";

import type { Guard } from "./guards.ts";

/** One line a request: what, how it ended, how long. Never headers or bodies: they hold what people keep secret. */
export function logRequests(logger: Logger): Guard {
  return (request, response, next) => {
    if (logger.isLevelEnabled("debug")) {
      const started = process.hrtime.bigint();
      const [path] = String(request.url).split("?");
      const id = randomUUID();
      response.setHeader("x-request-id", id);
      response.on("finish", () => {
        const ms = Number(process.hrtime.bigint() - started) / 1e6;
        logger.debug({ id, method: request.method, path, status: response.statusCode, ms }, "request");
      });
    }
    next();
  };
}
