import type { CallRole, ReadCallContext } from "../../protocol/ucan/callContext.ts";
import { parseKeyDid } from "../../protocol/did/key.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

export interface CallEntry {
  readonly entry: AuditedEntry;
  readonly call: ReadCallContext;
}

/**
 * Ties each call's two entries together. An agent of the file that was party to a call and has no entry of it left one
 * out, or never saw the call; either way only one side vouches for it. One call that was executed twice is a replay.
 * @param entries of calls, in the order of the log
 * @param keysInFile signing keys of the agents that the file holds entries of
 * @returns a verdict for each entry, in the same order
 */
export function checkCallPairs(entries: readonly CallEntry[], keysInFile: ReadonlySet<Hex>): readonly Verdict[] {
  const byCall = Map.groupBy(entries, ({ call }) => call.call.invocation.envelope.cid);
  return entries.map((own) => {
    const { entry, call } = own;
    const { invocation } = call.call;
    const all = byCall.get(invocation.envelope.cid) ?? [];
    const twin = all.find((other) => other !== own && isAct(own) && isAct(other) && other.call.role === call.role);
    if (twin) {
      return fails("call-pair", entry.subject, "AUDIT_CALL_TWICE", {
        found: twin.entry.decoded.entryId,
        detail: `The same side entered this call as done twice: ${invocation.envelope.cid}.`,
      });
    }
    const other: CallRole = call.role === "caller" ? "callee" : "caller";
    if (all.some((candidate) => candidate.call.role === other)) {
      return holds("call-pair", entry.subject, `The ${other} entered the call too.`);
    }
    const party = other === "caller" ? invocation.issuer : invocation.executor;
    if (keysInFile.has(toHex(parseKeyDid(party)))) {
      const detail = `The ${other} is in this file and has no entry of the call.`;
      return fails("call-pair", entry.subject, "AUDIT_CALL_ONE_SIDED", { expected: `an entry of ${party}`, detail });
    }
    const detail = `The ${other}, ${party}, is not in this file.`;
    return unproven("call-pair", entry.subject, "AUDIT_CALL_OTHER_SIDE_ABSENT", { expected: party, detail });
  });
}

function isAct({ entry }: CallEntry): boolean {
  return entry.decoded.claims.kind === "act";
}
