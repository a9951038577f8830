import { sha256 } from "@noble/hashes/sha2.js";

import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { EntryKind } from "../../protocol/entry/claims.ts";
import type { ActConformity } from "../../protocol/policy/types.ts";
import type { EntryFindings } from "../auditEntries.ts";
import type { Anchor } from "../chain/chainReader.ts";
import type { ContractCode } from "../checks/chain.ts";
import type { Conformity, ConformityFinding } from "../conformity.ts";
import { type CheckName, checkNames, type Outcome, type Verdict } from "../verdict.ts";
import type { AuditScope } from "./auditScope.ts";
import { limitsOf } from "./limits.ts";

export const auditReportFormat = "affiant-audit/1";

/** What one agent did, by its entries in the file. Blocks are numbers; null is "nothing proves one". */
export interface AgentSummary {
  readonly agent: string;
  readonly entries: number;
  readonly kinds: Readonly<Partial<Record<EntryKind, number>>>;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly lastEntryId: Hex;
  readonly policies: readonly { readonly policyHash: Hex; readonly name: string | null; readonly entries: number }[];
  readonly notBeforeBlock: number;
  readonly notAfterBlock: number | null;
  /** Whether the registry says today that the agent is active; null without a chain. It may end after honest acts. */
  readonly activeNow: boolean | null;
  readonly verdicts: Readonly<Record<Outcome, number>>;
  /** Rules broken, and rules that could not be decided: by rule and act. */
  readonly violations: number;
  readonly undecided: number;
}

export interface CheckSummary extends Readonly<Record<Outcome, number>> {
  readonly check: CheckName;
}

/** One rule that was broken, or could not be decided, and where. */
export interface RuleSummary {
  readonly policyHash: Hex;
  readonly ruleId: string;
  readonly rule: string;
  readonly findings: readonly ConformityFinding[];
}

export interface AuditReport {
  readonly format: typeof auditReportFormat;
  /** Null when the file cannot be read. */
  readonly evidence: {
    readonly sha256: Hex;
    readonly bytes: number;
    readonly chainId: number;
    readonly origin: string;
    readonly logId: Hex;
    readonly entries: number;
    readonly policies: readonly { readonly policyHash: Hex; readonly name: string }[];
  } | null;
  readonly log: {
    readonly size: number;
    readonly root: Hex;
    /** Account that operates the log now; null if the chain does not know. */
    readonly operator: Hex | null;
    readonly anchor: Anchor | null;
  } | null;
  /** What was asked: the block as of which the chain answered, and the code that answered. Null without a chain. */
  readonly chain: {
    readonly blockNumber: number;
    readonly blockHash: Hex;
    readonly contracts: readonly ContractCode[];
  } | null;
  readonly agents: readonly AgentSummary[];
  readonly summary: {
    /** No verdict fails: nothing in the file is contradicted. */
    readonly integrityHolds: boolean;
    /** Every verdict holds: nothing fails, and nothing stays unproven. */
    readonly fullyProven: boolean;
    /**
     * Of all acts together: `violates` if one breaks a rule, else `undecidable` if a rule could not be decided for one or one
     * could not be judged. A file that cannot be read is undecidable.
     */
    readonly conformity: ActConformity["outcome"];
    /** Every act conforms: undecidable is not conforming. */
    readonly conformityHolds: boolean;
    readonly verdicts: Readonly<Record<Outcome, number>>;
    readonly checks: readonly CheckSummary[];
  };
  readonly conformity: Omit<Conformity, "findings" | "judgements"> & {
    readonly violated: readonly RuleSummary[];
    readonly undecided: readonly RuleSummary[];
    /** Rules of the policies' prose that no log of acts can decide, as their authors listed them. */
    readonly undecidableRules: readonly { readonly policy: string; readonly rule: string; readonly why: string }[];
  };
  /** What this audit cannot prove, whatever its verdicts. */
  readonly limits: readonly string[];
  readonly verdicts: readonly Verdict[];
}

export function reportOf(scope: AuditScope): AuditReport {
  const { evidence, conformity, head, chainHead, verdicts } = scope;
  const { findings, judgements: _, ...counts } = conformity;
  const { chainId, origin, logId } = evidence.header;
  const policies = [...scope.policies].map(([policyHash, { bundle }]) => ({ policyHash, name: bundle.name }));
  return {
    format: auditReportFormat,
    evidence: {
      sha256: toHex(sha256(scope.bytes)),
      bytes: scope.bytes.length,
      chainId,
      origin,
      logId,
      entries: evidence.entries.length,
      policies,
    },
    log: head
      ? { size: head.size, root: toHex(head.root), operator: scope.operator ?? null, anchor: scope.anchor ?? null }
      : null,
    chain: chainHead ? { ...chainHead, contracts: scope.contracts ?? [] } : null,
    agents: agentSummaries(scope),
    summary: summaryOf(verdicts, conductOf(conformity)),
    conformity: {
      ...counts,
      violated: ruleSummaries(findings, "violated"),
      undecided: ruleSummaries(findings, "undecidable"),
      undecidableRules: [...scope.policies.values()].flatMap(({ bundle }) =>
        bundle.undecidable.map(({ rule, why }) => ({ policy: bundle.name, rule, why })),
      ),
    },
    limits: limitsOf(scope),
    verdicts,
  };
}

/** The report of a file that cannot be read: one verdict, and nothing else claimed. */
export function unreadableReport(verdict: Verdict): AuditReport {
  const none = { judged: 0, conform: 0, violate: 0, undecidable: 0, notJudged: 0, notActs: 0 };
  return {
    format: auditReportFormat,
    evidence: null,
    log: null,
    chain: null,
    agents: [],
    summary: summaryOf([verdict], "undecidable"),
    conformity: { ...none, violated: [], undecided: [], undecidableRules: [] },
    limits: [],
    verdicts: [verdict],
  };
}

function conductOf({ violate, undecidable, notJudged }: Conformity): ActConformity["outcome"] {
  if (violate > 0) return "violates";
  return undecidable + notJudged > 0 ? "undecidable" : "conforms";
}

function summaryOf(verdicts: readonly Verdict[], conformity: ActConformity["outcome"]): AuditReport["summary"] {
  const total = tally(verdicts);
  const byCheck = Map.groupBy(verdicts, (verdict) => verdict.check);
  const checks = checkNames.flatMap((check) => {
    const own = byCheck.get(check);
    return own ? [{ check, ...tally(own) }] : [];
  });
  return {
    integrityHolds: total.fails === 0,
    fullyProven: total.fails === 0 && total.unproven === 0,
    conformity,
    conformityHolds: conformity === "conforms",
    verdicts: total,
    checks,
  };
}

function tally(verdicts: Iterable<Verdict>): Record<Outcome, number> {
  const count = { holds: 0, fails: 0, unproven: 0 };
  for (const { outcome } of verdicts) count[outcome]++;
  return count;
}

function ruleSummaries(findings: readonly ConformityFinding[], outcome: ConformityFinding["outcome"]): RuleSummary[] {
  const own = findings.filter((finding) => finding.outcome === outcome);
  const byRule = Map.groupBy(own, ({ policy, ruleId }) => `${policy} ${ruleId}`);
  return [...byRule.values()]
    .flatMap((group) => {
      const first = group[0];
      return first ? [{ policyHash: first.policy, ruleId: first.ruleId, rule: first.rule, findings: group }] : [];
    })
    .toSorted((a, b) => b.findings.length - a.findings.length);
}

function agentSummaries({ findings, policies, conformity, activeNow }: AuditScope): AgentSummary[] {
  const byAgentAndOutcome = Map.groupBy(conformity.findings, ({ agent, outcome }) => `${outcome} ${agent}`);
  const byAgent = Map.groupBy(findings, ({ entry }) => entry.decoded.claims.iss as string);
  return [...byAgent].flatMap(([agent, own]) => {
    const first = own[0];
    const last = own.at(-1);
    if (!first || !last) return [];
    const bounds = own.map(({ upperBound }) => upperBound);
    const byPolicy = Map.groupBy(own, ({ entry }) => entry.decoded.claims.policy);
    return [
      {
        agent,
        entries: own.length,
        kinds: kindsOf(own),
        firstSeq: first.entry.decoded.claims.seq,
        lastSeq: last.entry.decoded.claims.seq,
        lastEntryId: last.entry.decoded.entryId,
        policies: [...byPolicy].map(([policyHash, entries]) => ({
          policyHash,
          name: policies.get(policyHash)?.bundle.name ?? null,
          entries: entries.length,
        })),
        notBeforeBlock: first.entry.decoded.claims.nb.blockNumber,
        notAfterBlock: bounds.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0),
        activeNow: activeNow.get(agent) ?? null,
        verdicts: tally(own.flatMap(({ verdicts }) => verdicts)),
        violations: byAgentAndOutcome.get(`violated ${agent}`)?.length ?? 0,
        undecided: byAgentAndOutcome.get(`undecidable ${agent}`)?.length ?? 0,
      },
    ];
  });
}

function kindsOf(findings: readonly EntryFindings[]): Partial<Record<EntryKind, number>> {
  const kinds: Partial<Record<EntryKind, number>> = {};
  for (const { entry } of findings) {
    const { kind } = entry.decoded.claims;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}
