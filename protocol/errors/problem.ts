import { AffiantError } from "./affiantError.ts";
import { errorCodes } from "./codes.ts";

/** An RFC 9457 problem document. `code` is the stable part; `detail` is for people. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly hint?: string;
  readonly [extension: string]: unknown;
}

/** The problem for an error. Anything that is not ours becomes `ERR_INTERNAL_UNEXPECTED` without its message. */
export function toProblem(error: unknown): Problem {
  const known =
    error instanceof AffiantError
      ? error
      : new AffiantError("ERR_INTERNAL_UNEXPECTED", "Something went wrong that should not have");
  return {
    ...known.details,
    type: `urn:affiant:error:${known.code}`,
    title: errorCodes[known.code].title,
    status: known.status,
    detail: known.message,
    code: known.code,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
  };
}
