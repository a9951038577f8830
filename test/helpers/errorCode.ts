import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { rejection } from "./rejection.ts";

/** The code of the AffiantError that a promise rejects with; the error itself where it is none. */
export async function rejectionCode(promise: Promise<unknown>): Promise<unknown> {
  const error = await rejection(promise);
  return isAffiantError(error) ? error.code : error;
}

/** The code of the AffiantError that a function throws; "no error" if it returns. */
export function thrownCode(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isAffiantError(error) ? error.code : error;
  }
  return "no error";
}
