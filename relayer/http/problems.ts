import type { IncomingMessage, ServerResponse } from "node:http";

import type { ErrorRequestHandler } from "express";
import type { Logger } from "pino";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";

/** Seconds after which a request that was turned away for now may be tried again, unless the error knows better. */
const retryAfterSec = 1;

/** Turns whatever was thrown into an RFC 9457 problem. Causes go to the log, never to the caller. */
export function problemSender(logger: Logger) {
  return (thrown: unknown, request: IncomingMessage, response: ServerResponse): void => {
    const error = fromParser(thrown) ?? thrown;
    const problem = toProblem(error);
    if (problem.status >= 500 && !(isAffiantError(error) && error.retryable)) {
      const [path] = String(request.url).split("?");
      logger.error({ err: thrown, method: request.method, path }, "unexpected error");
    }
    if (isAffiantError(error) && error.retryable) response.setHeader("retry-after", waitSec(error));
    const body = Buffer.from(JSON.stringify(problem), "utf8");
    response.setHeader("content-type", "application/problem+json; charset=utf-8");
    response.setHeader("content-length", body.length);
    response.statusCode = problem.status;
    response.end(body);
  };
}

/** The same at the end of Express' chain. */
export function answerProblem(logger: Logger): ErrorRequestHandler {
  const send = problemSender(logger);
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) next(thrown);
    else send(thrown, request, response);
  };
}

function waitSec({ details }: AffiantError): string {
  const known: unknown = details["retryAfterSec"];
  return String(typeof known === "number" ? known : retryAfterSec);
}

/** body-parser and the router have their own errors, which carry an HTTP status. */
function fromParser(thrown: unknown): AffiantError | undefined {
  if (isAffiantError(thrown) || !(thrown instanceof Error) || !("status" in thrown)) return undefined;
  if (thrown.status === 413) return new AffiantError("ERR_LIMIT_BODY_SIZE", "the request body is too large");
  const status = Number(thrown.status);
  if (status >= 400 && status < 500) return new AffiantError("ERR_INPUT_MALFORMED", "the request cannot be read");
  return undefined;
}
