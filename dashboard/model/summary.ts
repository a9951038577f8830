import type { AuditReport } from "../../auditor/report/auditReport.ts";
import type { Row } from "./row.ts";

export type ProofState = "proven" | "contradicted" | "unproven";
export type RulesState = "kept" | "broken" | "undecided";

/** Two statements, neither over the other: is the evidence what it claims to be, and did the agents keep to their rules. */
export interface Headline {
  readonly proof: ProofState;
  readonly verdicts: AuditReport["summary"]["verdicts"];
  readonly rules: RulesState;
  readonly judged: number;
  readonly kept: number;
  readonly broken: number;
  /** Acts of which a rule could not be decided, or that could not be judged at all. */
  readonly undecided: number;
}

export function headlineOf({ summary, conformity }: Pick<AuditReport, "summary" | "conformity">): Headline {
  return {
    proof: summary.fullyProven ? "proven" : summary.integrityHolds ? "unproven" : "contradicted",
    verdicts: summary.verdicts,
    rules: ({ conforms: "kept", violates: "broken", undecidable: "undecided" } as const)[summary.conformity],
    judged: conformity.judged,
    kept: conformity.conform,
    broken: conformity.violate,
    undecided: conformity.undecidable + conformity.notJudged,
  };
}

export interface Money {
  readonly currency: string | null;
  readonly value: number;
  readonly acts: number;
}

/** The money in some acts, by currency; those that name none stand by themselves. Refusals moved none. */
export function moneyIn(rows: Iterable<Row>): readonly Money[] {
  const sums = new Map<string | null, { value: number; acts: number }>();
  const seen = new Set<string>();
  for (const { amount, kind, task } of rows) {
    if (!amount || kind !== "act") continue;
    // Both sides of a call enter it; the money moved once.
    if (task !== null && seen.has(task)) continue;
    if (task !== null) seen.add(task);
    const sum = sums.get(amount.currency) ?? { value: 0, acts: 0 };
    sum.value += amount.value;
    sum.acts++;
    sums.set(amount.currency, sum);
  }
  return [...sums].map(([currency, sum]) => ({ currency, ...sum })).toSorted((a, b) => b.value - a.value);
}
