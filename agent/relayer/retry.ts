import { setTimeout as sleep } from "node:timers/promises";

import type { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface RetryPolicy {
  /** How often a request is sent at most. */
  readonly attempts: number;
  /** The first pause; each later one is twice as long, up to `maxPauseMs`. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
}

export const defaultRetry: RetryPolicy = { attempts: 6, firstPauseMs: 200, maxPauseMs: 10_000 };

/** An error of one attempt, with the pause that the server asked for. */
export interface AttemptFailure {
  readonly error: AffiantError;
  /** From Retry-After. */
  readonly retryAfterMs?: number;
}

/**
 * Runs an attempt until it succeeds, fails for good, or the attempts are used up; then throws the last error. Every
 * request of this client may be repeated: entries are known by their bytes, sponsored calls by their idempotency key.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: () => Promise<{ readonly value: T } | AttemptFailure>,
): Promise<T> {
  for (let made = 1; ; made++) {
    const outcome = await attempt();
    if ("value" in outcome) return outcome.value;
    if (!outcome.error.retryable || made >= policy.attempts || signal?.aborted) throw outcome.error;
    await sleep(pauseMs(policy, made, outcome.retryAfterMs), undefined, { signal });
  }
}

/** Half of the pause is random, so that many agents that lost one relayer do not come back in step. */
function pauseMs(policy: RetryPolicy, made: number, retryAfterMs = 0): number {
  const backoff = Math.min(policy.firstPauseMs * 2 ** (made - 1), policy.maxPauseMs);
  return Math.max(retryAfterMs, backoff * (0.5 + Math.random() / 2));
}

/** Retry-After (RFC 9110 §10.2.3): seconds or a date. Nothing longer than a minute is believed. */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 60_000) : undefined;
}
