import { type EntryKind } from "../../protocol/entry/claims.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Problem } from "../../protocol/errors/problem.ts";
import { type Json } from "../../protocol/json/canonical.ts";
import { actOfCommand, type Call } from "../../protocol/ucan/callMessage.ts";
import { ipldToJson } from "../../protocol/ucan/ipldJson.ts";

/** Which end of the call writes the entry. */
export type CallRole = "caller" | "callee";

/** The entry that one side writes about one call. The auditor pairs both sides by `context.call`. */
export interface CallRecord {
  readonly act: string;
  readonly kind: EntryKind;
  readonly input: Json;
  readonly output: Json;
  readonly context: {
    /** CID of the invocation: the same on both sides. */
    readonly call: string;
    readonly role: CallRole;
    readonly caller: string;
    readonly callee: string;
  };
  /** CID of the contract made out to the caller, if the call names one. */
  readonly ctr?: string;
  readonly thread?: string;
  readonly idempotencyKey: string;
}

/** Where calls are entered. An agent of this SDK is one; it must be durable when `record` resolves. */
export interface CallRecorder {
  record(record: CallRecord): Promise<unknown>;
}

export function callRecordOf(
  { invocation }: Call,
  role: CallRole,
  outcome: { readonly kind: EntryKind; readonly output: Json },
  thread?: string,
): CallRecord {
  const ctr = invocation.proofs.at(-1);
  const call = invocation.envelope.cid;
  return {
    act: actOfCommand(invocation.command),
    kind: outcome.kind,
    input: ipldToJson(invocation.args),
    output: outcome.output,
    context: { call, role, caller: invocation.issuer, callee: invocation.executor },
    ...(ctr === undefined ? {} : { ctr }),
    ...(thread === undefined ? {} : { thread }),
    idempotencyKey: `call:${role}:${call}`,
  };
}

/** What an entry says of a call that failed: the stable code and the words. */
export function refusalOutput(error: AffiantError | Problem): Json {
  return { refused: error.code, detail: error instanceof AffiantError ? error.message : error.detail };
}
