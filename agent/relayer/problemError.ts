import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type ErrorCode, errorCodes } from "../../protocol/errors/codes.ts";
import type { Problem } from "../../protocol/errors/problem.ts";

const standardMembers = ["type", "title", "status", "detail", "code", "hint", "instance"];

/** The relayer's RFC 9457 problem as the error that it was there: same code, message, hint and details. */
export function problemToError(problem: Problem): AffiantError {
  const code = knownCode(problem.code, problem.status);
  const details = Object.fromEntries(Object.entries(problem).filter(([name]) => !standardMembers.includes(name)));
  const message = problem.detail ?? problem.title ?? `the relayer answered with status ${problem.status}`;
  return new AffiantError(code, message, { hint: problem.hint, details });
}

export function isProblem(value: unknown): value is Problem {
  const { code, status } = (value ?? {}) as Partial<Problem>;
  return typeof code === "string" && typeof status === "number";
}

/** A proxy in between, or a newer relayer, may answer without a code that is known here: then the status decides. */
function knownCode(code: string, status: number): ErrorCode {
  if (code in errorCodes) return code as ErrorCode;
  if (status === 429 || status >= 502) return "ERR_UNAVAILABLE_RELAYER";
  if (status === 404) return "ERR_NOT_FOUND_ROUTE";
  return status >= 500 ? "ERR_INTERNAL_UNEXPECTED" : "ERR_INPUT_MALFORMED";
}
