import type { Ed25519Verify } from "../protocol/ed25519/verify.ts";
import type { Hex } from "../protocol/encoding/hex.ts";
import type { AffiantError } from "../protocol/errors/affiantError.ts";
import type { EvidenceHeader } from "../protocol/evidence/types.ts";
import type { AuditedEntry } from "./auditedEntry.ts";
import type { Anchor, ChainReader } from "./chain/chainReader.ts";
import { type CallEntry, checkCallPairs } from "./checks/callPairs.ts";
import { checkAttestation } from "./checks/attestation.ts";
import { checkCall, type SignedCall } from "./checks/call.ts";
import { checkClock } from "./checks/clock.ts";
import type { TreeHead } from "./checks/checkpoint.ts";
import { checkDisclosures, type OpenedDisclosures } from "./checks/disclosures.ts";
import { checkInclusion } from "./checks/inclusion.ts";
import { checkIssuer } from "./checks/issuer.ts";
import { checkGroupKey } from "./checks/groupKey.ts";
import { checkNotAfter, upperBoundOf } from "./checks/notAfter.ts";
import { checkNotBefore } from "./checks/notBefore.ts";
import { checkPolicyInForce } from "./checks/policyInForce.ts";
import { checkSequence } from "./checks/sequence.ts";
import { checkSignature } from "./checks/signature.ts";
import { checkSigningKey } from "./checks/signingKey.ts";
import { orSilence, silenceVerdict, withoutBound } from "./checks/silence.ts";
import { type CheckName, holds, type Verdict } from "./verdict.ts";

/** All verdicts on one entry, and what later stages build on. */
export interface EntryFindings {
  readonly entry: AuditedEntry;
  readonly verdicts: readonly Verdict[];
  readonly opened: OpenedDisclosures;
  readonly withheld: number;
  readonly signatureHolds: boolean;
  readonly inclusionHolds: boolean;
  /** Block by which the act was done, null if nothing bounds it. */
  readonly upperBound: number | null;
  /** The call that the entry is about, if its caller signed it. */
  readonly call: SignedCall | undefined;
}

export interface EntryContext {
  readonly header: EvidenceHeader;
  readonly head: TreeHead | undefined;
  readonly anchor: Anchor | undefined;
  /** Set if the chain did not say whether there is an anchor. */
  readonly anchorSilence: AffiantError | undefined;
  readonly chain: ChainReader | undefined;
  /** Where the deployment keeps its groups; without it nothing is said about their keys. */
  readonly keyEscrow: Hex | undefined;
  readonly verify: Ed25519Verify;
  readonly onProgress: (done: number, total: number) => void;
}

/** Entries in flight at once: enough for the chain reader to fill its batches, few enough to hold in memory. */
const groupSize = 250;

/** Runs every check that is about one entry. The result is in the order of the entries, which is the log's. */
export async function auditEntries(entries: readonly AuditedEntry[], context: EntryContext): Promise<EntryFindings[]> {
  const sequence = sequenceVerdicts(entries);
  const previous = previousOfAgent(entries);
  const findings: EntryFindings[] = [];
  for (let start = 0; start < entries.length; start += groupSize) {
    context.onProgress(start, entries.length);
    const group = entries.slice(start, start + groupSize).map(async (entry) => {
      return auditEntry(entry, previous.get(entry), sequence.get(entry), context);
    });
    for (const finding of await Promise.all(group)) findings.push(finding);
  }
  context.onProgress(entries.length, entries.length);
  return withCallPairs(findings);
}

/** Adds the verdicts that need all entries: whether both sides of each call are there. */
function withCallPairs(findings: EntryFindings[]): EntryFindings[] {
  const calls = findings.filter((finding): finding is EntryFindings & CallEntry => {
    return finding.call !== undefined && finding.signatureHolds;
  });
  if (calls.length === 0) return findings;
  const keysInFile = new Set(findings.map(({ entry }) => entry.signingKey));
  const pairs = checkCallPairs(calls, keysInFile);
  const pairOf = new Map(calls.map((call, i) => [call.entry, pairs[i]]));
  return findings.map((finding) => {
    const pair = pairOf.get(finding.entry);
    return pair ? { ...finding, verdicts: [...finding.verdicts, pair] } : finding;
  });
}

async function auditEntry(
  entry: AuditedEntry,
  previous: AuditedEntry | undefined,
  sequence: Verdict | undefined,
  { header, head, anchor, anchorSilence, chain, keyEscrow, verify }: EntryContext,
): Promise<EntryFindings> {
  const { agentRegistry, attestationRegistry, logAnchor, policyRegistry } = header.contracts;
  const inclusion = checkInclusion(entry, head);
  // An anchor over a tree that does not hold the entry says nothing about it.
  const bounding = inclusion.outcome === "holds" ? anchor : undefined;
  const bound = await upperBoundOf(entry, { logAnchor, logId: header.logId }, bounding, chain);
  const upperBound = bound.block;
  const silence = bound.silence ?? anchorSilence;
  const { subject } = entry;
  /** Of a check that asks the chain, and compares with the upper bound. */
  const bounded = async <T extends Verdict | null | undefined>(check: CheckName, run: () => Promise<T>) =>
    withoutBound(await orSilence(check, subject, run), silence);
  const signature = checkSignature(entry, verify);
  const disclosures = checkDisclosures(entry);
  const attestation = await bounded("attestation", () =>
    checkAttestation(entry, attestationRegistry, upperBound, chain),
  );
  const groupKey = await bounded("group-key", async () => {
    return keyEscrow && checkGroupKey(entry, disclosures.opened, keyEscrow, upperBound, chain);
  });
  const clock =
    (await bounded("clock", () => checkClock(entry, previous, upperBound, chain))) ??
    (silence && silenceVerdict("clock", subject, silence));
  const call = await checkCall(entry, disclosures.opened, { header, upperBound, chain, verify });
  const verdicts = [
    holds("entry", entry.subject, "The leaf is an entry in its one form."),
    signature,
    inclusion,
    ...(sequence ? [sequence] : []),
    await orSilence("not-before", subject, () => checkNotBefore(entry, previous, chain)),
    withoutBound(checkNotAfter(entry, upperBound), silence),
    ...(clock ? [clock] : []),
    checkIssuer(entry, header),
    await bounded("signing-key", () => checkSigningKey(entry, agentRegistry, upperBound, chain)),
    await bounded("policy-in-force", () => checkPolicyInForce(entry, policyRegistry, upperBound, chain)),
    ...(attestation ? [attestation] : []),
    disclosures.verdict,
    ...(call.verdict ? [withoutBound(call.verdict, silence)] : []),
    ...(groupKey ? [groupKey] : []),
  ];
  const { opened, withheld } = disclosures;
  const signatureHolds = signature.outcome === "holds";
  const inclusionHolds = inclusion.outcome === "holds";
  return { entry, verdicts, opened, withheld, signatureHolds, inclusionHolds, upperBound, call: call.call };
}

function sequenceVerdicts(entries: readonly AuditedEntry[]): Map<AuditedEntry, Verdict> {
  const verdicts = new Map<AuditedEntry, Verdict>();
  for (const own of Map.groupBy(entries, (entry) => entry.decoded.claims.iss).values()) {
    checkSequence(own).forEach((verdict, position) => {
      const entry = own[position];
      if (entry) verdicts.set(entry, verdict);
    });
  }
  return verdicts;
}

function previousOfAgent(entries: readonly AuditedEntry[]): Map<AuditedEntry, AuditedEntry> {
  const last = new Map<string, AuditedEntry>();
  const previous = new Map<AuditedEntry, AuditedEntry>();
  for (const entry of entries) {
    const before = last.get(entry.decoded.claims.iss);
    if (before) previous.set(entry, before);
    last.set(entry.decoded.claims.iss, entry);
  }
  return previous;
}
