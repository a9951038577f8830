import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { formatKeyDid, type KeyDid } from "../../protocol/did/key.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { Call } from "../../protocol/ucan/callMessage.ts";
import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";
import { keyOfDid } from "../../protocol/ucan/isSigned.ts";
import { verifyInvocation } from "../../protocol/ucan/verifyInvocation.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";
import type { CallCheckContext } from "./call.ts";
import { callTimes } from "./callTimes.ts";
import { clockSkewSec } from "./clock.ts";

type Judging = CallCheckContext & { readonly chain: ChainReader };

/**
 * Whether an executed call was allowed: under the executor's own right, which is that of a key which its account had at
 * the entry's block; by a chain of contracts from there to the caller; none of them over, not begun, or revoked.
 */
export async function judgeExecution(entry: AuditedEntry, call: Call, context: CallCheckContext): Promise<Verdict> {
  const { subject } = entry;
  const { chain } = context;
  const owner = await keysOfExecutor(entry, call, context);
  const verdict = verifyInvocation(call.invocation, call.delegations, {
    owner,
    executor: formatKeyDid(fromHex(entry.signingKey)),
    // By its own word it may be convicted; block times decide what is proven.
    nowSec: entry.decoded.claims.iat,
    clockSkewSec,
    verifySignature: context.verify,
  });
  if (!verdict.allowed) {
    const link = verdict.link === undefined ? "" : ` (link ${verdict.link + 1})`;
    const detail = `The agent executed a call that its contracts do not allow: ${verdict.detail}${link}.`;
    return fails("call", subject, "AUDIT_CALL_NOT_ALLOWED", { found: verdict.code, detail });
  }
  if (!chain) {
    const detail = "Whose keys signed the call's contracts, and whether one was revoked, the chain would say.";
    return unproven("call", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail });
  }
  const judging = { ...context, chain };
  const doubts = [
    ...(await callTimes(entry, call.invocation, verdict.chain, judging)),
    ...(await ownersKey(entry, call, judging)),
    ...(await endsOfChain(entry, verdict.chain, judging)),
  ];
  const worst = doubts.find(({ outcome }) => outcome === "fails") ?? doubts[0];
  if (worst) return worst;
  const { length } = verdict.chain;
  return length === 0
    ? holds("call", subject, `The agent executed its own call ${call.invocation.envelope.cid}.`)
    : holds("call", subject, `Allowed by ${length} contract(s) under the agent's own right, all in force.`);
}

/**
 * The keys under whose right a call may be: the one that signed the entry, and the one that the call names, where the chain
 * says that they were the agent's at the entry's block. Without a chain only the entry's own, of which it is asked elsewhere
 * whose it is.
 */
async function keysOfExecutor(
  { signingKey, agentAddress, decoded }: AuditedEntry,
  { invocation }: Call,
  { chain, header }: CallCheckContext,
): Promise<readonly KeyDid[]> {
  if (!chain) return [formatKeyDid(fromHex(signingKey))];
  const named = keyOfDid(invocation.subject);
  const candidates = [...new Set([signingKey, ...(named ? [toHex(named)] : [])])];
  const { agentRegistry } = header.contracts;
  const { blockNumber } = decoded.claims.nb;
  const valid = await Promise.all(
    candidates.map((key) => chain.signingKeyValidAt(agentRegistry, agentAddress, key, blockNumber)),
  );
  return candidates.filter((_, i) => valid[i] === true).map((key) => formatKeyDid(fromHex(key)));
}

/** The owner's key may have ended before the act, as far as blocks tell. */
async function ownersKey(
  entry: AuditedEntry,
  { invocation }: Call,
  { chain, header, upperBound }: Judging,
): Promise<Verdict[]> {
  const key = keyOfDid(invocation.subject);
  if (!key || upperBound === null) return []; // without a bound that is said of the entry
  const { agentRegistry } = header.contracts;
  if (await chain.signingKeyValidAt(agentRegistry, entry.agentAddress, toHex(key), upperBound)) return [];
  const detail = `The key that owns the right ended between the entry's block and its anchor, block ${upperBound}.`;
  return [unproven("call", entry.subject, "AUDIT_CALL_KEY_ENDED_IN_WINDOW", { found: toHex(key), detail })];
}

/** What ended a contract of the chain by the entry's block, or may have by its anchor. */
async function endsOfChain(entry: AuditedEntry, links: readonly Delegation[], judging: Judging): Promise<Verdict[]> {
  const issuers = links.map((link) => issuerOf(link, judging.header.chainId));
  const ends = links.map(async (link, i) => {
    // The right is the executor's: so are the account that grants it first, and the say over revoking it.
    const owner = i === 0 ? entry.agentAddress : issuers[i];
    return [
      ...(await keyOfLink(entry, link, i, owner === issuers[i] ? owner : undefined, judging)),
      ...(await revocationsOf(entry, link, i, issuers.slice(0, i + 1), judging)),
    ];
  });
  return (await Promise.all(ends)).flat();
}

async function keyOfLink(
  { subject, decoded }: AuditedEntry,
  link: Delegation,
  i: number,
  issuer: Hex | undefined,
  { chain, header, upperBound }: Judging,
): Promise<Verdict[]> {
  const { blockNumber } = decoded.claims.nb;
  const { agentRegistry } = header.contracts;
  const key = toHex(keyOfDid(link.issuer) ?? new Uint8Array(0));
  const words = { expected: link.issuerAgent ?? null, found: key };
  if (!issuer || !(await chain.signingKeyValidAt(agentRegistry, issuer, key, blockNumber))) {
    const detail = `Link ${i + 1} was not signed with a key that its account had at block ${blockNumber}.`;
    return [fails("call", subject, "AUDIT_CALL_KEY_UNBOUND", { ...words, detail })];
  }
  if (upperBound === null || (await chain.signingKeyValidAt(agentRegistry, issuer, key, upperBound))) return [];
  const detail = `The key that signed link ${i + 1} ended between the entry's block and its anchor, block ${upperBound}.`;
  return [unproven("call", subject, "AUDIT_CALL_KEY_ENDED_IN_WINDOW", { ...words, detail })];
}

/** Whoever issued this link or one above it may have ended it. */
async function revocationsOf(
  { subject, decoded }: AuditedEntry,
  link: Delegation,
  i: number,
  authors: readonly (Hex | undefined)[],
  { chain, header, upperBound }: Judging,
): Promise<Verdict[]> {
  const { blockNumber } = decoded.claims.nb;
  const verdicts: Verdict[] = [];
  for (const author of authors) {
    if (!author) continue;
    const revoked = await chain.revokedAtBlock(header.contracts.contractRegistry, author, contractIdOf(link));
    if (revoked === null) continue;
    const found = `${link.envelope.cid} revoked in block ${revoked}`;
    if (revoked <= blockNumber) {
      const detail = `Link ${i + 1} had been revoked before the act, by ${author}.`;
      const words = { expected: `not by block ${blockNumber}`, found, detail };
      verdicts.push(fails("call", subject, "AUDIT_CALL_REVOKED", words));
    } else if (upperBound === null || revoked <= upperBound) {
      const detail = `Link ${i + 1} was revoked between the entry's block and its anchor: which came first is not proven.`;
      verdicts.push(unproven("call", subject, "AUDIT_CALL_REVOKED_IN_WINDOW", { found, detail }));
    }
  }
  return verdicts;
}

function issuerOf({ issuerAgent }: Delegation, chainId: number): Hex | undefined {
  if (!issuerAgent) return undefined;
  const parts = parseEthrDid(issuerAgent);
  return parts.chainId === BigInt(chainId) ? (parts.address.toLowerCase() as Hex) : undefined;
}
