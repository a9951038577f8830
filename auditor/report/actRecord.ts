import type { Hex } from "../../protocol/encoding/hex.ts";
import type { EntryKind } from "../../protocol/entry/claims.ts";
import { formatKeyDid } from "../../protocol/did/key.ts";
import type { EntryFindings } from "../auditEntries.ts";
import type { OpenedDisclosures } from "../checks/disclosures.ts";
import type { CallOutcome } from "../checks/callOutcome.ts";
import type { Conduct, ConformityFinding, Judgement } from "../conformity.ts";
import type { Outcome, Verdict } from "../verdict.ts";
import type { AuditScope } from "./auditScope.ts";

/** A block, and when it was made by its own header: Unix seconds, null where no chain said so. */
export interface BlockTime {
  readonly block: number;
  readonly timeSec: number | null;
}

/** The call that an act is about, as its caller signed it. DIDs are of agents where the file holds their entries. */
export interface CallRecord {
  readonly role: "caller" | "callee";
  readonly outcome: CallOutcome;
  readonly caller: string;
  readonly callee: string;
  readonly command: string;
  /** CID of the task: one for both sides of a call. */
  readonly task: string;
  /** CIDs of the contracts it names, from the owner's own. */
  readonly contracts: readonly string[];
}

/** One entry with all that the audit found of it: who, what, when, under which policy and contract, and is it so. */
export interface ActRecord {
  /** Line of the evidence file, from 1. */
  readonly line: number;
  /** Position in the log, from 0. */
  readonly index: number;
  readonly entryId: Hex;
  /** DID. */
  readonly agent: string;
  readonly seq: number;
  readonly kind: EntryKind;
  readonly act: string;
  readonly thread: string | null;
  /** The agent's clock, Unix seconds: its own word. */
  readonly iatSec: number;
  readonly notBefore: BlockTime;
  /** Null where nothing bounds the act from above. */
  readonly notAfter: BlockTime | null;
  readonly policyHash: Hex;
  /** Null where the file does not hold the policy, or holds one that cannot be evaluated. */
  readonly policyName: string | null;
  /** CID of the contract that the entry names. */
  readonly contract: string | null;
  readonly call: CallRecord | null;
  readonly disclosed: OpenedDisclosures;
  readonly withheld: number;
  /** The worst of its verdicts. */
  readonly proof: Outcome;
  readonly verdicts: readonly Verdict[];
  readonly conduct: Conduct;
  readonly findings: readonly ConformityFinding[];
  readonly facts: Judgement["facts"];
}

/** @param times of blocks, by number */
export function actRecordsOf(
  { findings, conformity, policies, verdicts }: AuditScope,
  times: ReadonlyMap<number, number>,
): ActRecord[] {
  const agentOfKey = new Map(
    findings
      .filter(({ signatureHolds }) => signatureHolds)
      .map(({ entry }) => [formatKeyDid(entry.decoded.publicKey) as string, entry.decoded.claims.iss]),
  );
  const rules = Map.groupBy(conformity.findings, ({ line }) => line);
  // Also those that only the whole file gave: a line that was changed, an agent's missing sign of life.
  const byLine = Map.groupBy(verdicts, ({ subject }) => subject.line);
  const timeOf = (block: number): BlockTime => ({ block, timeSec: times.get(block) ?? null });
  return findings.map((finding, position) => {
    const { claims, entryId } = finding.entry.decoded;
    const line = finding.entry.subject.line ?? 0;
    const own = byLine.get(line) ?? finding.verdicts;
    const judgement = conformity.judgements[position];
    return {
      line,
      index: finding.entry.evidence.index,
      entryId,
      agent: claims.iss,
      seq: claims.seq,
      kind: claims.kind,
      act: claims.act,
      thread: claims.thread ?? null,
      iatSec: claims.iat,
      notBefore: timeOf(claims.nb.blockNumber),
      notAfter: finding.upperBound === null ? null : timeOf(finding.upperBound),
      policyHash: claims.policy,
      policyName: policies.get(claims.policy)?.bundle.name ?? null,
      contract: claims.ctr ?? null,
      call: callOf(finding, agentOfKey),
      disclosed: finding.opened,
      withheld: finding.withheld,
      proof: worstOf(own),
      verdicts: own,
      conduct: judgement?.conduct ?? "not judged",
      findings: rules.get(line) ?? [],
      facts: judgement?.facts,
    };
  });
}

function callOf({ call }: EntryFindings, agentOfKey: ReadonlyMap<string, string>): CallRecord | null {
  if (!call) return null;
  const { issuer, executor, command, taskCid, proofs } = call.call.invocation;
  const nameOf = (key: string): string => agentOfKey.get(key) ?? key;
  return {
    role: call.role,
    outcome: call.outcome,
    caller: nameOf(issuer),
    callee: nameOf(executor),
    command,
    task: taskCid,
    contracts: proofs,
  };
}

/** What is contradicted outweighs what is not proven. */
export function worstOf(verdicts: readonly Verdict[]): Outcome {
  let worst: Outcome = "holds";
  for (const { outcome } of verdicts) {
    if (outcome === "fails") return "fails";
    if (outcome === "unproven") worst = "unproven";
  }
  return worst;
}
