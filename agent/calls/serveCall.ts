import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import type { GroupKeyUse } from "../../protocol/escrow/groupKeyUse.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { type Call, parseCall } from "../../protocol/ucan/callMessage.ts";
import { ipldToJson } from "../../protocol/ucan/ipldJson.ts";
import { isSigned } from "../../protocol/ucan/isSigned.ts";
import { type CallAnswer, callRecordOf, type CallRecorder, countedRecordOf, refusalOutput } from "./callRecord.ts";
import type { CallVerdict, Guard } from "./guard.ts";

/** A call that may be executed. */
export interface AcceptedCall {
  readonly args: { readonly [name: string]: Json };
  /** did:key of whoever calls. */
  readonly caller: string;
  readonly call: Call;
  readonly verdict: Extract<CallVerdict, { allowed: true }>;
}

/** Does the work. It throws an AffiantError to refuse on grounds of its own; the caller is told its code and message. */
export type CallHandler = (call: AcceptedCall) => Promise<Json> | Json;

export interface ServeCallOptions {
  readonly guard: Guard;
  readonly recorder: CallRecorder;
  /** The one command of this endpoint, e.g. `/payment/charge`. */
  readonly command: string;
  readonly handler: CallHandler;
  /** Groups entries, e.g. by order. */
  readonly threadOf?: (args: { readonly [name: string]: Json }) => string | undefined;
  /** The group's key under which the call came, if it came sealed. */
  readonly groupKey?: GroupKeyUse | undefined;
}

/**
 * Judges a call, executes it if it is allowed, and enters what happened before it is answered: an act, or a refusal.
 * What cannot be read as a call, or was not signed by whom it names, has no caller: it leaves no entry, since anybody could
 * fill our log with words that are nobody's. Of refusals so many an hour are entered one by one, the others as a count.
 * @param message the parsed JSON body
 */
export async function serveCall(message: unknown, options: ServeCallOptions): Promise<CallAnswer> {
  let call: Call;
  try {
    call = parseCall(message);
  } catch (error) {
    if (error instanceof AffiantError) return { error };
    throw error;
  }
  const { guard, command } = options;
  const verdict = await judge(guard, call, command);
  if (!verdict.allowed && !verdict.signed) return { error: new AffiantError(verdict.code, verdict.detail) };
  await enterCounted(options);
  if (!verdict.allowed && !guard.refusals.admits(verdict.holder, sizeOf(call))) return { error: errorOf(verdict) };
  const args = ipldToJson(call.invocation.args) as { readonly [name: string]: Json };
  const answer = await execute(call, args, verdict, options.handler);
  const outcome =
    "result" in answer
      ? ({ kind: "act", output: answer.result } as const)
      : ({ kind: "refusal", output: refusalOutput(answer.error) } as const);
  await options.recorder.record(callRecordOf(call, "callee", outcome, options.threadOf?.(args), options.groupKey));
  return answer;
}

/** Bytes that an entry of the call would hold of what the caller sent, as far as the call names it. */
function sizeOf({ invocation, delegations }: Call): number {
  const links = invocation.proofs.map((cid) => delegations.get(cid)?.envelope.bytes.length ?? 0);
  return links.reduce((sum, length) => sum + length, invocation.envelope.bytes.length);
}

/** What was refused in an hour that is over and not entered, in one entry. */
async function enterCounted({ guard, recorder, command }: ServeCallOptions): Promise<void> {
  const counted = guard.refusals.takeDue();
  if (!counted) return;
  try {
    await recorder.record(countedRecordOf(command, counted));
  } catch (error) {
    guard.refusals.giveBack(counted);
    throw error;
  }
}

/** A guard that breaks refuses. */
async function judge(guard: Guard, call: Call, command: string): Promise<CallVerdict> {
  try {
    return await guard.judge(call, command);
  } catch {
    const detail = "the call could not be judged";
    const signed = isSigned(call.invocation, verifyNative);
    return { allowed: false, signed, code: "ERR_INTERNAL_UNEXPECTED", detail };
  }
}

async function execute(
  call: Call,
  args: { readonly [name: string]: Json },
  verdict: CallVerdict,
  handler: CallHandler,
): Promise<CallAnswer> {
  if (!verdict.allowed) return { error: errorOf(verdict) };
  try {
    return { result: await handler({ args, caller: call.invocation.issuer, call, verdict }) };
  } catch (error) {
    if (error instanceof AffiantError) return { error };
    // The claim is spent, so this call is over; the caller learns that something broke and nothing about what.
    return { error: new AffiantError("ERR_INTERNAL_UNEXPECTED", "the call failed while it was executed") };
  }
}

function errorOf({ code, detail, link }: Extract<CallVerdict, { allowed: false }>): AffiantError {
  return new AffiantError(code, detail, { details: link === undefined ? {} : { link } });
}

/** What is used of a response of Express; whoever has no Express needs none of its types. */
export interface CallResponse {
  status(code: number): CallResponse;
  type(type: string): CallResponse;
  json(body: unknown): unknown;
}

/** {@link serveCall} behind an Express route that has parsed JSON: `app.post("/charge", guarded({ … }))`. */
export function guarded(
  options: ServeCallOptions,
): (request: { readonly body?: unknown }, response: CallResponse) => Promise<void> {
  return async (request, response) => {
    const answer = await serveCall(request.body, options);
    if ("result" in answer) {
      response.json({ result: answer.result });
    } else {
      const problem = toProblem(answer.error);
      response.status(problem.status).type("application/problem+json").json(problem);
    }
  };
}
