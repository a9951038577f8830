import type { AuditReport } from "./report/auditReport.ts";

/**
 * The exit code of an audit for scripts: 0 = every verdict holds; 1 = a verdict fails; 3 = nothing fails but something
 * stays unproven (2 is wrong usage everywhere). Broken rules are the agents' doing and leave a sound file sound: they
 * count as 1 only when asked for.
 */
export function auditExitCode(report: AuditReport, { violationsFail = false } = {}): 0 | 1 | 3 {
  const { integrityHolds, conformityHolds, fullyProven } = report.summary;
  if (!integrityHolds || (violationsFail && !conformityHolds)) return 1;
  return fullyProven ? 0 : 3;
}
