import type { Ed25519Verify } from "../../protocol/ed25519/verify.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import type { EvidenceHeader } from "../../protocol/evidence/types.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import { isCallContext, type ReadCallContext, readCallContext } from "../../protocol/ucan/callContext.ts";
import { actOfCommand } from "../../protocol/ucan/callMessage.ts";
import { ipldToJson } from "../../protocol/ucan/ipldJson.ts";
import { isSigned, keyOfDid } from "../../protocol/ucan/isSigned.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";
import { judgeExecution } from "./callExecution.ts";
import { type CallOutcome, outcomeOf } from "./callOutcome.ts";
import type { OpenedDisclosures } from "./disclosures.ts";
import { orSilence } from "./silence.ts";

/** A call that its caller signed, for pairing. */
export interface SignedCall extends ReadCallContext {
  readonly outcome: CallOutcome;
}

export interface CallCheck {
  /** Absent for entries that have nothing to do with a call. */
  readonly verdict?: Verdict;
  /** Absent where it cannot be read, is not the entry's, or was not signed by its caller: it ties nobody to anything. */
  readonly call?: SignedCall;
}

export interface CallCheckContext {
  readonly header: EvidenceHeader;
  readonly upperBound: number | null;
  readonly chain: ChainReader | undefined;
  readonly verify: Ed25519Verify;
}

/**
 * Judges again the call that an entry is about: is it the entry's, did its caller sign it, and, if the agent executed it,
 * was it allowed by contracts under the agent's own right, and were those in force. A call that was refused needs no right,
 * nor a true caller: who asked without was told so.
 */
export async function checkCall(
  entry: AuditedEntry,
  opened: OpenedDisclosures,
  context: CallCheckContext,
): Promise<CallCheck> {
  const { subject } = entry;
  const { ctr } = entry.decoded.claims;
  if (!isCallContext(opened.context)) {
    if (ctr === undefined) return {};
    const detail = "The entry names a contract; the call itself is not disclosed.";
    return { verdict: unproven("call", subject, "AUDIT_CALL_WITHHELD", { found: ctr, detail }) };
  }
  let read: ReadCallContext;
  try {
    read = readCallContext(opened.context);
  } catch (error) {
    const detail = `The call cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
    return { verdict: fails("call", subject, "AUDIT_CALL_MALFORMED", { detail }) };
  }
  const outcome = outcomeOf(entry, opened);
  const mismatch = mismatchOf(entry, opened, read, outcome);
  if (mismatch) return { verdict: fails("call", subject, "AUDIT_CALL_OTHER", mismatch) };
  const verdict = await orSilence("call", subject, () => judge(entry, read, outcome, context));
  const isOurs = keyOf(partyOf(read)) === entry.signingKey;
  if (!isOurs || !isSigned(read.call.invocation, context.verify)) return { verdict };
  return { verdict, call: { ...read, outcome } };
}

async function judge(
  entry: AuditedEntry,
  read: ReadCallContext,
  outcome: CallOutcome,
  context: CallCheckContext,
): Promise<Verdict> {
  const { subject } = entry;
  const { invocation } = read.call;
  const about = `The entry is about the call ${invocation.envelope.cid}`;
  if (read.role === "caller") {
    if (isSigned(invocation, context.verify)) return holds("call", subject, `${about}, which the agent signed.`);
    const detail = "The agent enters a call as its own that it did not sign.";
    return fails("call", subject, "AUDIT_CALL_SIGNATURE", { expected: invocation.issuer, detail });
  }
  if (outcome === "refused") return holds("call", subject, `${about}, which was refused.`);
  const verdict = await judgeExecution(entry, read.call, context);
  if (outcome === "done" || verdict.outcome !== "fails") return verdict;
  const detail = `Called a refusal, with its output withheld; if it was done, then against its contracts. ${verdict.detail}`;
  return unproven("call", subject, "AUDIT_CALL_WITHHELD", { detail });
}

function partyOf({ role, call: { invocation } }: ReadCallContext): string {
  return role === "caller" ? invocation.issuer : invocation.executor;
}

/** Of a principal that is no Ed25519 key, nothing: it then matches no entry. */
function keyOf(did: string): string {
  return toHex(keyOfDid(did) ?? new Uint8Array(0));
}

/** What the entry says otherwise than the call it discloses. */
function mismatchOf(
  entry: AuditedEntry,
  opened: OpenedDisclosures,
  read: ReadCallContext,
  outcome: CallOutcome,
): { detail: string; expected: string; found: string | null } | undefined {
  const { invocation } = read.call;
  const { act, ctr } = entry.decoded.claims;
  // A call that was made out to somebody else may be refused by whoever it reaches.
  const needNotBeOurs = read.role === "callee" && outcome === "refused";
  const expected: readonly (readonly [what: string, expected: string, found: string | null])[] = [
    ["act", actOfCommand(invocation.command), act],
    ["contract", invocation.proofs.at(-1) ?? "none", ctr ?? "none"],
    ...(needNotBeOurs ? [] : ([["signing key", keyOf(partyOf(read)), entry.signingKey]] as const)),
    ...(opened.input === undefined
      ? []
      : ([["input", toCanonicalJson(ipldToJson(invocation.args)), toCanonicalJson(opened.input)]] as const)),
  ];
  const [other] = expected.filter(([, wanted, found]) => wanted !== found);
  return other && { detail: `The call has another ${other[0]} than the entry.`, expected: other[1], found: other[2] };
}
