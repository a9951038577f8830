import { AffiantError, isAffiantError } from "../protocol/errors/affiantError.ts";
import type { ErrorCode } from "../protocol/errors/codes.ts";

/** What the system said no with, in words. */
const refusals: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EEXIST: "it is there already",
  EMFILE: "too many files are open",
};

/** No connection, or a break of one. */
const unreachable = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EPIPE",
]);
/** How ethers names what an endpoint did not answer as it should. */
const endpointFaults = new Set(["SERVER_ERROR", "NETWORK_ERROR", "TIMEOUT", "UNKNOWN_ERROR", "BAD_DATA"]);

/**
 * An error as people are told of it: one line and what can be done. What is not ours is read by its code; its stack is
 * shown with AFFIANT_DEBUG=1 only.
 */
export function explain(error: unknown): AffiantError {
  if (isAffiantError(error)) return error;
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  const message = firstLine(error);
  if (syscall?.startsWith("spawn")) {
    return made(
      "ERR_INPUT_FILE",
      `the program ${path ?? syscall.slice(6)} cannot be started: ${refusals[code ?? ""] ?? code}`,
      error,
      {
        hint: "Install it, or look at PATH",
      },
    );
  }
  if (code !== undefined && refusals[code] !== undefined) {
    const whole = path === undefined ? message : `${path}: ${refusals[code]}`;
    return made("ERR_INPUT_FILE", `${whole} (${code})`, error, {
      hint: "affiant doctor looks at folders and the disk",
    });
  }
  const inner = causes(error).find((one) => unreachable.has(one.code ?? ""));
  if (inner) {
    return made("ERR_UNAVAILABLE_CHAIN", `no connection: ${firstLine(inner)}`, error, {
      hint: "affiant doctor asks every endpoint that is known here",
    });
  }
  if (code !== undefined && endpointFaults.has(code)) {
    return made("ERR_UNAVAILABLE_CHAIN", `the endpoint does not answer as a chain does: ${message}`, error, {
      hint: "Is it the URL of a JSON-RPC endpoint? affiant doctor asks it",
    });
  }
  return made("ERR_INTERNAL_UNEXPECTED", message, error, {
    hint: "This should not have happened; AFFIANT_DEBUG=1 shows where it did",
  });
}

function made(code: ErrorCode, message: string, cause: unknown, options: { hint: string }): AffiantError {
  return new AffiantError(code, message, { cause, ...options });
}

/** The error with all that stands behind it. */
function causes(error: unknown): NodeJS.ErrnoException[] {
  const found: NodeJS.ErrnoException[] = [];
  const open: unknown[] = [error];
  for (let one = open.pop(); one instanceof Error && found.length < 20; one = open.pop()) {
    found.push(one);
    open.push(one.cause, ...(one instanceof AggregateError ? (one.errors as unknown[]) : []));
  }
  return found;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return (text.split("\n")[0] ?? "").slice(0, 300);
}
