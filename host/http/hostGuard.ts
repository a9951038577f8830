import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import { toProblem } from "../../protocol/errors/problem.ts";
import { type HostCheck, hostCheck, type HostCheckOptions } from "./hostCheck.ts";

/** Middleware of Express, and of whatever else passes on as it does. */
export type HostGuard = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/**
 * {@link hostCheck} in front of what Express serves: `app.use(hostGuard({ host }))`, before anything that reads a body. A request
 * to another name is answered 403 with a problem (ERR_AUTH_HOST).
 */
export function hostGuard(options: HostCheckOptions): HostGuard {
  return guardOf(hostCheck(options));
}

/** The same in front of a plain server: `createServer(hostGuarded({ host }, serve))`. */
export function hostGuarded(options: HostCheckOptions, serve: RequestListener): RequestListener {
  return checked(hostCheck(options), serve);
}

/** What a check refuses is answered 403, and nothing of it is read. */
export function checked(check: HostCheck, serve: RequestListener): RequestListener {
  const guard = guardOf(check);
  return (request, response) => guard(request, response, () => void serve(request, response));
}

function guardOf(check: HostCheck): HostGuard {
  return (request, response, next) => {
    try {
      check(request.headers);
    } catch (error) {
      const problem = toProblem(error);
      request.resume();
      response.writeHead(problem.status, { "content-type": "application/problem+json", connection: "close" });
      response.end(JSON.stringify(problem));
      return;
    }
    next();
  };
}
