import type { Request, RequestHandler } from "express";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { complaint, findOperation, type FoundOperation, readParameter } from "./operations.ts";

/**
 * Holds every request to the OpenAPI document before a router sees it: what a router reads is of the documented shape.
 * What needs more than shape (hashes, signatures, canonical encodings) stays with the rooms.
 * Refuses with ERR_INPUT_MALFORMED; what is documented nowhere passes, to end as ERR_NOT_FOUND_ROUTE.
 */
export function validateRequest(): RequestHandler {
  return (request, _response, next) => {
    const found = findOperation(request.method, request.path);
    const wrong = found && (wrongParameter(request, found) ?? wrongBody(request, found));
    next(wrong === undefined ? undefined : new AffiantError("ERR_INPUT_MALFORMED", wrong));
  };
}

function wrongParameter(request: Request, { compiled, pathValues }: FoundOperation): string | undefined {
  for (const { parameter, validate } of compiled.parameters) {
    const { name, required } = parameter;
    const sent =
      parameter.in === "query" ? request.query[name] : parameter.in === "path" ? pathValues[name] : request.get(name);
    if (sent === undefined) {
      if (required) return `${name} is needed`;
    } else if (!validate(sent) && !validate(readParameter(sent))) {
      return `${name} ${complaint(validate.errors)}`;
    }
  }
  return undefined;
}

function wrongBody(request: Request, { compiled }: FoundOperation): string | undefined {
  if (!compiled.body) return undefined;
  if (request.body === undefined) return "a JSON body is needed";
  return compiled.body(request.body) ? undefined : `body ${complaint(compiled.body.errors)}`;
}
