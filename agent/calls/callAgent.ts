import { randomBytes } from "node:crypto";

import type { KeyDid } from "../../protocol/did/key.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type ErrorCode, errorCodes } from "../../protocol/errors/codes.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { type Call, formatCall } from "../../protocol/ucan/callMessage.ts";
import type { Delegation } from "../../protocol/ucan/delegation.ts";
import type { Ed25519Signer } from "../../protocol/ucan/envelope.ts";
import { issueInvocation } from "../../protocol/ucan/invocation.ts";
import type { IpldMap } from "../../protocol/ucan/ipld.ts";
import { type CallAnswer, callRecordOf, type CallRecorder, refusalOutput } from "./callRecord.ts";

export interface CallAgentOptions {
  readonly url: string;
  readonly signer: Ed25519Signer;
  readonly recorder: CallRecorder;
  /** Whose right is used: the issuer of the chain's first link. */
  readonly subject: KeyDid;
  /** Who executes; the subject where it is the same. */
  readonly executor?: KeyDid;
  readonly command: string;
  readonly args: IpldMap;
  /** From the subject's own contract to the one made out to us. */
  readonly chain: readonly Delegation[];
  /** Unix seconds. */
  readonly nowSec: number;
  /** How long the call may be executed, in seconds; default 60. */
  readonly lifetimeSec?: number;
  /** How long to wait for the answer, in milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  readonly thread?: string;
}

/**
 * Calls another agent under a contract and enters the call with its outcome. A call is never sent twice: when no answer
 * comes, it may have been executed, the entry says so, and the error's `retryable` is about a *new* call. A caller that
 * keeps its calls on disk puts {@link issueCall}, {@link deliverCall} and {@link enterCall} together itself.
 * @throws AffiantError with the callee's code if it refuses; ERR_UNAVAILABLE_CALLEE if it does not answer
 */
export async function callAgent(options: CallAgentOptions): Promise<Json> {
  const call = await issueCall(options);
  const answer = await deliverCall(options.url, call, options.timeoutMs);
  await enterCall(options.recorder, call, answer, options.thread);
  if ("error" in answer) throw answer.error;
  return answer.result;
}

/** Signs a call. Nothing is sent. */
export async function issueCall(
  options: Pick<
    CallAgentOptions,
    "signer" | "subject" | "executor" | "command" | "args" | "chain" | "nowSec" | "lifetimeSec"
  >,
): Promise<Call> {
  const { subject, executor, command, args, chain, nowSec, lifetimeSec = 60 } = options;
  const invocation = await issueInvocation(
    {
      subject,
      ...(executor === undefined ? {} : { executor }),
      command,
      args,
      proofs: chain.map((link) => link.envelope.cid),
      nonce: randomBytes(12),
      issuedAtSec: nowSec,
      expiresAtSec: nowSec + lifetimeSec,
    },
    options.signer,
  );
  return { invocation, delegations: new Map(chain.map((link) => [link.envelope.cid, link])) };
}

/**
 * Sends a call and waits for the answer; ERR_UNAVAILABLE_CALLEE in it if none comes. The same call may be delivered
 * again: a callee that accepted it before answers ERR_CONFLICT_REPLAY and does nothing.
 */
export async function deliverCall(
  url: string,
  call: Call,
  timeoutMs = 30_000,
  transport: CallTransport = overHttp,
): Promise<CallAnswer> {
  const { invocation, delegations } = call;
  const chain = invocation.proofs.flatMap((cid) => delegations.get(cid) ?? []);
  return send(url, JSON.stringify(formatCall(invocation, chain)), timeoutMs, transport);
}

/**
 * Carries the JSON of a call and brings the answer's status and JSON; it rejects if there is none. Over HTTP in the clear
 * unless something else is given (`agent/channel/sealedExchange.ts`).
 */
export type CallTransport = (
  url: string,
  body: string,
  timeoutMs: number,
) => Promise<{ readonly ok: boolean; readonly value: unknown }>;

const overHttp: CallTransport = async (url, body, timeoutMs) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { ok: response.ok, value: (await response.json()) as unknown };
};

/** Enters a call on the caller's side. Calling is the caller's act, whatever the callee makes of it. */
export async function enterCall(
  recorder: CallRecorder,
  call: Call,
  answer: CallAnswer,
  thread?: string,
): Promise<void> {
  const output = "result" in answer ? answer.result : refusalOutput(answer.error);
  await recorder.record(callRecordOf(call, "caller", { kind: "act", output }, thread));
}

async function send(url: string, body: string, timeoutMs: number, transport: CallTransport): Promise<CallAnswer> {
  let ok: boolean;
  let value: unknown;
  try {
    ({ ok, value } = await transport(url, body, timeoutMs));
  } catch (cause) {
    const detail = "no answer: the call may or may not have been executed";
    return { error: new AffiantError("ERR_UNAVAILABLE_CALLEE", detail, { cause }) };
  }
  if (ok && typeof value === "object" && value !== null && "result" in value) {
    return { result: value.result as Json };
  }
  return { error: errorOf(value) };
}

function errorOf(problem: unknown): AffiantError {
  const { code, detail } = (problem ?? {}) as { code?: unknown; detail?: unknown };
  const known = typeof code === "string" && Object.hasOwn(errorCodes, code);
  return new AffiantError(
    known ? (code as ErrorCode) : "ERR_UNAVAILABLE_CALLEE",
    typeof detail === "string" ? detail : "the callee answered something that is no answer to a call",
  );
}
