import type { RawRpcError } from "./rpcError.ts";

/** What came back over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  /** The header of RFC 9110 §10.2.3, if there was one. */
  readonly retryAfter: string | null;
  readonly text: string;
}

export interface RpcAnswer {
  readonly result?: unknown;
  readonly error?: RawRpcError;
}

/** `refusal`: one error for all that was asked. `none`: nothing that JSON-RPC knows. */
export type Answers = { readonly retryAfterMs?: number } & (
  | { readonly kind: "list"; readonly byId: ReadonlyMap<number, RpcAnswer> }
  | { readonly kind: "refusal"; readonly error: RawRpcError }
  | { readonly kind: "none"; readonly why: string }
);

/**
 * Sorts what came back by the requests that it answers: an answer with another id, or with one that came twice, answers
 * none of them. An error without id is about the request as a whole.
 */
export function readAnswers({ status, retryAfter, text }: HttpAnswer, ids: readonly number[]): Answers {
  const wait = retryAfterMs(retryAfter);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { kind: "none", why: `HTTP ${status} without JSON`, ...wait };
  }
  if (Array.isArray(body)) {
    if (ids.length === 1) return { kind: "none", why: "a list instead of one answer", ...wait };
    return { kind: "list", byId: byId(body, status), ...wait };
  }
  if (!isObject(body)) return { kind: "none", why: `HTTP ${status} without an answer`, ...wait };
  const answer = answerIn(body, status);
  if (ids.length === 1 && answer && body["id"] === ids[0]) {
    return { kind: "list", byId: new Map([[ids[0] ?? 0, answer]]), ...wait };
  }
  const isOfNone = body["id"] === null || body["id"] === undefined;
  // Gateways answer a batch with the id of its first request, or with none.
  if (answer?.error && (isOfNone || (ids.length > 1 && ids.some((id) => id === body["id"])))) {
    const limited = status === 429 ? { ...answer.error, code: 429 } : answer.error;
    return { kind: "refusal", error: limited, ...wait };
  }
  return { kind: "none", why: `HTTP ${status} with an answer to another request`, ...wait };
}

function byId(answers: readonly unknown[], status: number): ReadonlyMap<number, RpcAnswer> {
  const known = new Map<number, RpcAnswer>();
  const twice = new Set<number>();
  for (const one of answers) {
    if (!isObject(one) || typeof one["id"] !== "number") continue;
    const answer = answerIn(one, status);
    if (known.has(one["id"])) twice.add(one["id"]);
    if (answer) known.set(one["id"], answer);
  }
  for (const id of twice) known.delete(id);
  return known;
}

/** An answer has a result or an error, not both; a result under an HTTP error is none. */
function answerIn(body: Readonly<Record<string, unknown>>, status: number): RpcAnswer | undefined {
  const { error, result } = body;
  if (isObject(error)) return result === undefined || result === null ? { error } : undefined;
  if (typeof error === "string") return { error: { message: error } };
  if ((error !== undefined && error !== null) || !("result" in body) || status >= 400) return undefined;
  return { result };
}

/** Seconds only: a date would need a clock, and endpoints do not send one. */
function retryAfterMs(header: string | null): { readonly retryAfterMs?: number } {
  return header !== null && /^\d{1,6}$/.test(header.trim()) ? { retryAfterMs: Number(header) * 1_000 } : {};
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
