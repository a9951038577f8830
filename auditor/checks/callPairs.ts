import type { CallRole } from "../../protocol/ucan/callContext.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { keyOfDid } from "../../protocol/ucan/isSigned.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";
import type { SignedCall } from "./call.ts";

export interface CallEntry {
  readonly entry: AuditedEntry;
  readonly call: SignedCall;
}

/**
 * Ties each call's two entries together. An agent of the file that was party to a call and has no entry of it left one
 * out, or never saw the call; either way only one side vouches for it. A task is executed once, whoever executes it and in
 * however many envelopes it comes.
 * @param entries of calls that their callers signed, in the order of the log
 * @param keysInFile signing keys of the agents that the file holds entries of
 * @returns a verdict for each entry, in the same order
 */
export function checkCallPairs(entries: readonly CallEntry[], keysInFile: ReadonlySet<Hex>): readonly Verdict[] {
  const byCall = Map.groupBy(entries, ({ call }) => call.call.invocation.envelope.cid);
  const byTask = Map.groupBy(entries, taskOf);
  return entries.map((own) => {
    const calls = byCall.get(own.call.call.invocation.envelope.cid) ?? [];
    return twiceDone(own, calls, byTask.get(taskOf(own)) ?? []) ?? paired(own, calls, keysInFile);
  });
}

/** The caller's nonce is in the task: the same words again are the same order, not another one. */
function taskOf({ call }: CallEntry): string {
  const { issuer, taskCid } = call.call.invocation;
  return `${issuer} ${taskCid}`;
}

function twiceDone(own: CallEntry, calls: readonly CallEntry[], tasks: readonly CallEntry[]): Verdict | undefined {
  const { role, outcome, call } = own.call;
  // Who calls may ask twice for one thing; what comes of it must be once.
  const rivals = (role === "callee" ? tasks : calls).filter((other) => other !== own && other.call.role === role);
  if (outcome === "refused") return undefined;
  const twin = rivals.find((other) => other.call.outcome === "done");
  const { taskCid } = call.invocation;
  if (twin && outcome === "done") {
    const found = twin.entry.decoded.entryId;
    const detail = `One task was entered as done twice: ${taskCid}.`;
    return fails("call-pair", own.entry.subject, "AUDIT_CALL_TWICE", { found, detail });
  }
  const doubtful = twin ?? rivals.find((other) => other.call.outcome === "withheld");
  if (!doubtful) return undefined;
  const detail = `A task has two entries, one of them called a refusal with its output withheld: ${taskCid}.`;
  return unproven("call-pair", own.entry.subject, "AUDIT_CALL_WITHHELD", {
    found: doubtful.entry.decoded.entryId,
    detail,
  });
}

function paired(own: CallEntry, calls: readonly CallEntry[], keysInFile: ReadonlySet<Hex>): Verdict {
  const { subject } = own.entry;
  const { role, outcome, call } = own.call;
  const other: CallRole = role === "caller" ? "callee" : "caller";
  if (calls.some((candidate) => candidate.call.role === other)) {
    return holds("call-pair", subject, `The ${other} entered the call too.`);
  }
  const party = other === "caller" ? call.invocation.issuer : call.invocation.executor;
  const key = keyOfDid(party);
  if (key && keysInFile.has(toHex(key))) {
    const detail = `The ${other} is in this file and has no entry of the call.`;
    return fails("call-pair", subject, "AUDIT_CALL_ONE_SIDED", { expected: `an entry of ${party}`, detail });
  }
  // Else whoever is refused could leave a doubt in the record of whom it likes, by asking once.
  if (outcome === "refused" && role === "callee") {
    return holds("call-pair", subject, `Refused: nothing rests on the ${other}, ${party}, who is not in this file.`);
  }
  const detail = `The ${other}, ${party}, is not in this file.`;
  return unproven("call-pair", subject, "AUDIT_CALL_OTHER_SIDE_ABSENT", { expected: party, detail });
}
