import { type AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type CheckName, type Subject, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether an error says that the chain gave no answer to one question. That the endpoint is away altogether is another
 * matter: it ends the audit.
 */
export function isSilence(error: unknown): error is AffiantError {
  return isAffiantError(error, "ERR_UNAVAILABLE_CHAIN") && error.details["away"] !== true;
}

/** What a check says whose question the chain did not answer: no more than that, whatever the answer would have been. */
export function silenceVerdict(check: CheckName, subject: Subject, { message }: Error): Verdict {
  return unproven(check, subject, "AUDIT_CHAIN_SILENT", { detail: `The chain did not say: ${message}.` });
}

/** Runs a check; unproven if it cannot be decided because the chain is silent. */
export async function orSilence<T>(check: CheckName, subject: Subject, run: () => Promise<T>): Promise<T | Verdict> {
  return orElse(run, (silence) => silenceVerdict(check, subject, silence));
}

/** Runs a question; something else if the chain is silent. */
export async function orElse<T, U>(ask: () => Promise<T>, otherwise: (silence: AffiantError) => U): Promise<T | U> {
  try {
    return await ask();
  } catch (error) {
    if (!isSilence(error)) throw error;
    return otherwise(error);
  }
}

/**
 * A verdict that was reached without a bound which the chain did not tell: it cannot hold, since the bound may be what it
 * would have broken. What fails without the bound fails with it.
 */
export function withoutBound<T extends Verdict | null | undefined>(
  verdict: T,
  silence: AffiantError | undefined,
): T | Verdict {
  if (!verdict || !silence || verdict.outcome === "fails") return verdict;
  return silenceVerdict(verdict.check, verdict.subject, silence);
}
