import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { parseKeyDid } from "../../protocol/did/key.ts";
import type { Ed25519Verify } from "../../protocol/ed25519/verify.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { EvidenceHeader } from "../../protocol/evidence/types.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import { isCallContext, type ReadCallContext, readCallContext } from "../../protocol/ucan/callContext.ts";
import { actOfCommand } from "../../protocol/ucan/callMessage.ts";
import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";
import { ipldToJson } from "../../protocol/ucan/ipldJson.ts";
import { verifyInvocation } from "../../protocol/ucan/verifyInvocation.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";
import type { OpenedDisclosures } from "./disclosures.ts";

/** How long before its entry a call may have been accepted, in seconds: the longest that a guard lets a call live. */
const maxUnderWaySec = 300;

export interface CallCheck {
  /** Absent for entries that have nothing to do with a call. */
  readonly verdict?: Verdict;
  /** The call, for pairing, if it can be read and is the entry's. */
  readonly call?: ReadCallContext;
}

export interface CallCheckContext {
  readonly header: EvidenceHeader;
  readonly upperBound: number | null;
  readonly chain: ChainReader | undefined;
  readonly verify: Ed25519Verify;
}

/**
 * Judges again the call that an entry is about: is it the entry's, and, if the agent executed it, was it allowed by the
 * contracts, and were those in force. A call that was refused needs no right; who asked without one was told so.
 */
export async function checkCall(
  entry: AuditedEntry,
  opened: OpenedDisclosures,
  context: CallCheckContext,
): Promise<CallCheck> {
  const { subject } = entry;
  const { ctr, kind } = entry.decoded.claims;
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
  const mismatch = mismatchOf(entry, opened, read);
  if (mismatch) return { verdict: fails("call", subject, "AUDIT_CALL_OTHER", mismatch) };
  if (read.role === "caller" || kind !== "act") {
    return { verdict: holds("call", subject, `The entry is about the call ${cidOf(read)}.`), call: read };
  }
  return { verdict: await judgeExecution(entry, read, context), call: read };
}

function cidOf({ call }: ReadCallContext): string {
  return call.invocation.envelope.cid;
}

/** What the entry says otherwise than the call it discloses. */
function mismatchOf(
  entry: AuditedEntry,
  opened: OpenedDisclosures,
  { role, call: { invocation } }: ReadCallContext,
): { detail: string; expected: string; found: string | null } | undefined {
  const { act, ctr } = entry.decoded.claims;
  const party = role === "caller" ? invocation.issuer : invocation.executor;
  const expected: readonly (readonly [what: string, expected: string, found: string | null])[] = [
    ["act", actOfCommand(invocation.command), act],
    ["contract", invocation.proofs.at(-1) ?? "none", ctr ?? "none"],
    ["signing key", toHex(keyOf(party)), entry.signingKey],
    ...(opened.input === undefined
      ? []
      : ([["input", toCanonicalJson(ipldToJson(invocation.args)), toCanonicalJson(opened.input)]] as const)),
  ];
  const [other] = expected.filter(([, wanted, found]) => wanted !== found);
  return other && { detail: `The call has another ${other[0]} than the entry.`, expected: other[1], found: other[2] };
}

/** Of a principal that is no Ed25519 key, nothing: it then matches no entry. */
function keyOf(did: string): Uint8Array {
  try {
    return parseKeyDid(did);
  } catch {
    return new Uint8Array(0);
  }
}

async function judgeExecution(
  entry: AuditedEntry,
  read: ReadCallContext,
  { header, upperBound, chain, verify }: CallCheckContext,
): Promise<Verdict> {
  const { subject } = entry;
  const { invocation, delegations } = read.call;
  const verdict = verifyInvocation(invocation, delegations, {
    // The agent's clock, which only bounds: a contract that ended long before the act cannot have allowed it.
    nowSec: entry.decoded.claims.iat,
    clockSkewSec: maxUnderWaySec,
    verifySignature: verify,
  });
  if (!verdict.allowed) {
    const link = verdict.link === undefined ? "" : ` (link ${verdict.link + 1})`;
    const detail = `The agent executed a call that its contracts do not allow: ${verdict.detail}${link}.`;
    return fails("call", subject, "AUDIT_CALL_NOT_ALLOWED", { found: verdict.code, detail });
  }
  if (verdict.chain.length === 0) return holds("call", subject, `The agent executed its own call ${cidOf(read)}.`);
  if (!chain) {
    const detail = "Whether a contract of the call had been revoked, the chain would say.";
    return unproven("call", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail });
  }
  const ended = await endOfChain(entry, verdict.chain, { header, upperBound, chain });
  return ended ?? holds("call", subject, `Allowed by ${verdict.chain.length} contract(s) that were in force.`);
}

/** What ended a contract of the chain by the entry's block, or by its anchor; undefined if nothing did. */
async function endOfChain(
  entry: AuditedEntry,
  links: readonly Delegation[],
  { header, upperBound, chain }: { header: EvidenceHeader; upperBound: number | null; chain: ChainReader },
): Promise<Verdict | undefined> {
  const { subject } = entry;
  const { blockNumber } = entry.decoded.claims.nb;
  const { agentRegistry, contractRegistry } = header.contracts;
  const issuers = links.map((link) => issuerOf(link, header.chainId));
  for (const [i, link] of links.entries()) {
    const issuer = issuers[i];
    const key = toHex(parseKeyDid(link.issuer));
    if (!issuer || !(await chain.signingKeyValidAt(agentRegistry, issuer, key, blockNumber))) {
      const detail = `Link ${i + 1} was not signed with a key that its account had at block ${blockNumber}.`;
      return fails("call", subject, "AUDIT_CALL_KEY_UNBOUND", {
        expected: link.issuerAgent ?? null,
        found: key,
        detail,
      });
    }
    // Whoever issued this link or one above it may have ended it.
    for (const author of issuers.slice(0, i + 1)) {
      if (!author) continue;
      const revoked = await chain.revokedAtBlock(contractRegistry, author, contractIdOf(link));
      if (revoked === null) continue;
      const found = `${link.envelope.cid} revoked in block ${revoked}`;
      if (revoked <= blockNumber) {
        const detail = `Link ${i + 1} had been revoked before the act, by ${author}.`;
        return fails("call", subject, "AUDIT_CALL_REVOKED", { expected: `not by block ${blockNumber}`, found, detail });
      }
      if (upperBound === null || revoked <= upperBound) {
        const detail = `Link ${i + 1} was revoked between the entry's block and its anchor: which came first is not proven.`;
        return unproven("call", subject, "AUDIT_CALL_REVOKED_IN_WINDOW", { found, detail });
      }
    }
  }
  return undefined;
}

function issuerOf({ issuerAgent }: Delegation, chainId: number): Hex | undefined {
  if (!issuerAgent) return undefined;
  const parts = parseEthrDid(issuerAgent);
  return parts.chainId === BigInt(chainId) ? (parts.address.toLowerCase() as Hex) : undefined;
}
