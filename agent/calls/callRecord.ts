import type { EntryKind } from "../../protocol/entry/claims.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { GroupKeyUse } from "../../protocol/escrow/groupKeyUse.ts";
import type { Problem } from "../../protocol/errors/problem.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { CallContext, CallRole } from "../../protocol/ucan/callContext.ts";
import { actOfCommand, type Call, formatCall } from "../../protocol/ucan/callMessage.ts";
import { ipldToJson } from "../../protocol/ucan/ipldJson.ts";
import type { CountedRefusals } from "./refusalBudget.ts";

/** The entry that one side writes about one call. The auditor judges the call again and pairs both sides by its CID. */
export interface CallRecord {
  readonly act: string;
  readonly kind: EntryKind;
  readonly input: Json;
  readonly output: Json;
  /** Absent where calls were counted and not entered one by one. */
  readonly context?: CallContext;
  /** CID of the contract made out to the caller, if the call names one. */
  readonly ctr?: string;
  readonly thread?: string;
  /** Of acts only: the same call can be refused any number of times, and each time is an entry. */
  readonly idempotencyKey?: string;
}

/** What a callee says to a call. */
export type CallAnswer = { readonly result: Json } | { readonly error: AffiantError };

/** Where calls are entered. An agent of this SDK is one; it must be durable when `record` resolves. */
export interface CallRecorder {
  record(record: CallRecord): Promise<unknown>;
}

export function callRecordOf(
  call: Call,
  role: CallRole,
  outcome: { readonly kind: EntryKind; readonly output: Json },
  thread?: string,
  groupKey?: GroupKeyUse,
): CallRecord {
  const { invocation, delegations } = call;
  const ctr = invocation.proofs.at(-1);
  const chain = invocation.proofs.flatMap((cid) => delegations.get(cid) ?? []);
  return {
    act: actOfCommand(invocation.command),
    kind: outcome.kind,
    input: ipldToJson(invocation.args),
    output: outcome.output,
    context: { role, call: formatCall(invocation, chain), ...(groupKey === undefined ? {} : { groupKey }) },
    ...(ctr === undefined ? {} : { ctr }),
    ...(thread === undefined ? {} : { thread }),
    ...(outcome.kind === "act" ? { idempotencyKey: `call:${role}:${invocation.envelope.cid}` } : {}),
  };
}

/** Of calls that were refused and are not entered one by one, of all commands that the guard is for. */
export function countedRecordOf(command: string, { calls, fromSec, toSec }: CountedRefusals): CallRecord {
  const detail = `${calls} calls were refused beyond those that are entered one by one`;
  const output = refusalOutput(new AffiantError("ERR_LIMIT_RATE", detail));
  return { act: actOfCommand(command), kind: "refusal", input: { calls, fromSec, toSec }, output };
}

/** What an entry says of a call that failed: the stable code and the words. */
export function refusalOutput(error: AffiantError | Problem): Json {
  return { refused: error.code, detail: error instanceof AffiantError ? error.message : error.detail };
}
