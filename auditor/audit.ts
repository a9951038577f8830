import type { Hex } from "../protocol/encoding/hex.ts";
import { verifyStrict, type Ed25519Verify } from "../protocol/ed25519/verify.ts";
import { AffiantError, isAffiantError } from "../protocol/errors/affiantError.ts";
import { readEvidence } from "../protocol/evidence/readEvidence.ts";
import { salvageEvidence, type SalvagedEvidence } from "../protocol/evidence/salvageEvidence.ts";
import { type Evidence, type EvidenceHeader, evidenceLineOf, lostHeader } from "../protocol/evidence/types.ts";
import { auditEntries, type EntryFindings } from "./auditEntries.ts";
import { type AuditedEntry, decodeEntries } from "./auditedEntry.ts";
import type { ChainReader } from "./chain/chainReader.ts";
import { checkAlteration } from "./checks/alteration.ts";
import { checkAnchor } from "./checks/anchor.ts";
import { checkChain, checkContracts, type TrustedContracts } from "./checks/chain.ts";
import { checkCheckpoint } from "./checks/checkpoint.ts";
import { checkCompleteness } from "./checks/completeness.ts";
import { checkHeartbeats } from "./checks/heartbeats.ts";
import { checkOperator } from "./checks/operator.ts";
import { checkLog } from "./checks/log.ts";
import { checkPolicyBundles } from "./checks/policyBundle.ts";
import { orElse, orSilence, withoutBound } from "./checks/silence.ts";
import { judgeConformity } from "./conformity.ts";
import { type ActRecord, actRecordsOf } from "./report/actRecord.ts";
import { type AuditReport, reportOf, unreadableReport } from "./report/auditReport.ts";
import type { AuditScope } from "./report/auditScope.ts";
import { type CheckName, fails, holds, unproven, type Verdict } from "./verdict.ts";

/** Where an audit is: `done` of `total` entries in the stage. */
export interface AuditProgress {
  readonly stage: "entries" | "conformity";
  readonly done: number;
  readonly total: number;
}

export interface AuditOptions {
  /** Without a chain everything that only the chain knows stays unproven. */
  readonly chain?: ChainReader;
  /** The contracts of a deployment that the reader trusts; without it those that the file names are believed. */
  readonly contracts?: TrustedContracts;
  readonly attestationRegistry?: Hex | undefined;
  /** The key escrow of that deployment: with it, each act under a group's key is checked for who held it. */
  readonly keyEscrow?: Hex | undefined;
  /** A native implementation of the rule of `verifyStrict`, which is the default. */
  readonly verify?: Ed25519Verify;
  readonly onProgress?: (progress: AuditProgress) => void;
}

/**
 * Checks an evidence file, down to every entry, and judges every act by its policy. A file that lies, contradicts itself
 * or cannot be read ends in verdicts, never in an exception.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN when the endpoint does not answer
 */
export async function auditEvidence(bytes: Uint8Array, options: AuditOptions = {}): Promise<AuditReport> {
  const read = readOrSalvage(bytes);
  return "unreadable" in read ? unreadableReport(read.unreadable) : reportOf(await audit(bytes, read, options));
}

/** The report, and what it sums up: for whoever shows the acts themselves. */
export interface DetailedAudit {
  readonly report: AuditReport;
  /** One for each entry that decodes, in the order of the log. */
  readonly acts: readonly ActRecord[];
  /** What was found before it was summed up; null when the file cannot be read. */
  readonly scope: AuditScope | null;
}

/**
 * The same audit with every act beside its verdicts.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN when the endpoint does not answer
 */
export async function auditInDetail(bytes: Uint8Array, options: AuditOptions = {}): Promise<DetailedAudit> {
  const read = readOrSalvage(bytes);
  if ("unreadable" in read) return { report: unreadableReport(read.unreadable), acts: [], scope: null };
  const scope = await audit(bytes, read, options);
  const times = scope.chainHead ? await blockTimesOf(scope.findings, options.chain) : new Map<number, number>();
  return { report: reportOf(scope), acts: actRecordsOf(scope, times), scope };
}

interface Read {
  readonly evidence: Evidence;
  /** Set for a damaged file: one thing that fails, while whatever of it can still be checked is checked. */
  readonly salvaged?: SalvagedEvidence;
}

function readOrSalvage(bytes: Uint8Array): Read | { readonly unreadable: Verdict } {
  try {
    return { evidence: readEvidence(bytes) };
  } catch (error) {
    if (!isAffiantError(error, "ERR_INPUT_EVIDENCE")) throw error;
    const salvaged = salvageEvidence(bytes);
    if (salvaged) return { evidence: salvaged.evidence, salvaged };
    const line = error.details["line"];
    const subject = typeof line === "number" ? { line } : {};
    return { unreadable: fails("evidence", subject, "AUDIT_EVIDENCE_UNREADABLE", { detail: error.message }) };
  }
}

async function audit(bytes: Uint8Array, read: Read, options: AuditOptions): Promise<AuditScope> {
  const { evidence, salvaged } = read;
  const { header } = evidence;
  const verify = options.verify ?? verifyStrict;
  const verdicts: Verdict[] = [];

  const chainVerdict = await checkChain(header, options.chain);
  verdicts.push(chainVerdict);
  // The answers of another chain would only bury the one verdict that matters.
  const chain = chainVerdict.outcome === "holds" ? options.chain : undefined;
  const contracts = chain ? await checkContracts(header, chain, options.contracts) : undefined;
  verdicts.push(...(contracts?.verdicts ?? []));

  const checkpoint = checkCheckpoint(evidence, verify);
  const anchor = await checkAnchor(evidence, checkpoint.head, chain);
  for (const verdict of await checkLog(evidence, checkpoint.noteKey, chain, anchor.anchor)) {
    verdicts.push(verdict.check === "equivocation" ? withoutBound(verdict, anchor.silence) : verdict);
  }
  verdicts.push(checkpoint.verdict);
  const onCheckpoint = { line: evidenceLineOf(evidence, "checkpoint") };
  verdicts.push(...[await orSilence("operator", onCheckpoint, () => checkOperator(evidence, chain))].flat());
  verdicts.push(anchor.verdict);

  const { entries, unreadable } = decodeEntries(evidence);
  const bundles = checkPolicyBundles(evidence, entries);
  verdicts.push(...bundles.verdicts);
  for (const { subject, why } of unreadable) {
    verdicts.push(fails("entry", subject, "AUDIT_ENTRY_MALFORMED", { detail: `The leaf is no entry: ${why}.` }));
  }

  const findings: EntryFindings[] = await auditEntries(entries, {
    header,
    head: checkpoint.head,
    anchor: anchor.anchor,
    anchorSilence: anchor.silence,
    chain,
    keyEscrow: options.keyEscrow,
    verify,
    onProgress: (done, total) => options.onProgress?.({ stage: "entries", done, total }),
  });
  // One by one: spreading a hundred thousand arguments overflows the stack.
  for (const finding of findings) for (const verdict of finding.verdicts) verdicts.push(verdict);

  verdicts.push(...checkCompleteness(findings, { evidence, tree: checkpoint.head, verify }));
  for (const verdict of checkHeartbeats(findings, anchor.anchor)) verdicts.push(withoutBound(verdict, anchor.silence));

  const onFile = salvaged
    ? checkAlteration(salvaged, verdicts)
    : [holds("evidence", { line: linesOf(evidence) }, `${linesOf(evidence)} lines, whole and in their one form.`)];
  verdicts.unshift(...onFile);

  const conformity = await judgeConformity(findings, bundles.policies, (done, total) =>
    options.onProgress?.({ stage: "conformity", done, total }),
  );
  return {
    bytes,
    evidence,
    head: checkpoint.head,
    operator: chain && (await operatorOf(header, chain)),
    anchor: anchor.anchor,
    contracts: contracts?.code,
    contractsTrusted: options.contracts !== undefined,
    chainHead: chain && (await headThatStayed(chain)),
    findings,
    activeNow: chain ? await activityOf(entries, header.contracts.agentRegistry, chain) : new Map(),
    policies: bundles.policies,
    verdicts: header === lostHeader ? verdicts.map(withoutHeader) : verdicts,
    conformity,
  };
}

/** Lines of a file that is whole: a header, a checkpoint, an end. */
function linesOf({ policies, entries, heads }: Evidence): number {
  return 3 + policies.length + entries.length + heads.length;
}

const headerTells: ReadonlySet<CheckName> = new Set([
  "chain",
  "log",
  "checkpoint",
  "operator",
  "issuer",
  "completeness",
]);

/** Where nobody knows which chain and log are meant, nothing that hangs on them is contradicted. */
function withoutHeader(verdict: Verdict): Verdict {
  if (verdict.outcome !== "fails" || !headerTells.has(verdict.check)) return verdict;
  const detail = "The header, which names chain, contracts and log, cannot be read.";
  return unproven(verdict.check, verdict.subject, "AUDIT_HEADER_LOST", { detail });
}

async function activityOf(
  entries: readonly AuditedEntry[],
  agentRegistry: Hex,
  chain: ChainReader,
): Promise<Map<string, boolean | null>> {
  const addresses = new Map<string, Hex>(entries.map((entry) => [entry.decoded.claims.iss, entry.agentAddress]));
  const answers = [...addresses].map(async ([agent, address]) => {
    return [
      agent,
      await orElse(
        () => chain.isActive(agentRegistry, address),
        () => null,
      ),
    ] as const;
  });
  return new Map(await Promise.all(answers));
}

/** When the blocks between which the acts lie were made; those of which the chain says nothing are left out. */
async function blockTimesOf(
  findings: readonly EntryFindings[],
  chain: ChainReader | undefined,
): Promise<ReadonlyMap<number, number>> {
  const times = new Map<number, number>();
  if (!chain) return times;
  const blocks = new Set(findings.map(({ entry }) => entry.decoded.claims.nb.blockNumber));
  for (const { upperBound } of findings) if (upperBound !== null) blocks.add(upperBound);
  const answers = [...blocks].map(async (block) => {
    const time = await orElse(
      () => chain.blockTimeSec(block),
      () => null,
    );
    if (time !== null) times.set(block, time);
  });
  await Promise.all(answers);
  return times;
}

async function operatorOf({ contracts, logId }: EvidenceHeader, chain: ChainReader): Promise<Hex | undefined> {
  const log = await orElse(
    () => chain.logOf(contracts.logAnchor, logId),
    () => null,
  );
  return log?.operators.at(-1);
}

/** All answers are as of one head. If it is gone by now, some are of one branch of the chain and some of another. */
async function headThatStayed(chain: ChainReader): Promise<AuditScope["chainHead"]> {
  if ((await chain.isHeadThere?.()) ?? true) return chain.head();
  throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the chain was reorganised while it was asked", {
    hint: "Ask again.",
  });
}
