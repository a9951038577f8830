import type { AuditReport } from "./report/auditReport.ts";

/** What an audit ends with, for scripts; 2 is wrong use of the command line. */
export type AuditExitCode = 0 | 1 | 3 | 4 | 5;

/**
 * 0 = everything is proven and every act conforms; 1 = a verdict fails; 4 = a rule is broken; 3 = something stays unproven;
 * 5 = some act is undecidable, and that is all. Of those that apply the first of 1, 4, 3, 5: what is known to be wrong comes
 * before what is not known.
 */
export function auditExitCode({ summary }: AuditReport): AuditExitCode {
  if (!summary.integrityHolds) return 1;
  if (summary.conformity === "violates") return 4;
  if (!summary.fullyProven) return 3;
  return summary.conformity === "undecidable" ? 5 : 0;
}
