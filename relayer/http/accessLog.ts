import { randomUUID } from "node:crypto";

import { type RequestHandler } from "express";
import { type Logger } from "pino";

/** One line a request: what, how it ended, how long. Never headers or bodies: they hold what people keep secret. */
export function logRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = process.hrtime.bigint();
    if (logger.isLevelEnabled("debug")) {
      const id = randomUUID();
      response.setHeader("x-request-id", id);
      response.on("finish", () => {
        const ms = Number(process.hrtime.bigint() - started) / 1e6;
        logger.debug({ id, method: request.method, path: request.path, status: response.statusCode, ms }, "request");
      });
    }
    next();
  };
}
