import { type ErrorCode, errorCodes } from "./codes.ts";

export interface AffiantErrorOptions {
  /** What the reader can do about it, one sentence. */
  readonly hint?: string;
  /** Values that explain the error, for programs. They are shown to callers: never put a secret here. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error class. `code` is stable and documented in `codes.ts`; the message is for people and may change. */
export class AffiantError extends Error {
  override readonly name = "AffiantError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AffiantErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable ?? false;
  }
}

export function isAffiantError(error: unknown, code?: ErrorCode): error is AffiantError {
  return error instanceof AffiantError && (code === undefined || error.code === code);
}
