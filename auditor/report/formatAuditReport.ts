import type { AgentSummary, AuditReport, CheckSummary, RuleSummary } from "./auditReport.ts";
import { type Paint, plain } from "./paint.ts";
import { printable } from "./printable.ts";
import { questions } from "./questions.ts";
import { count, indented, short, table } from "./textLayout.ts";
import { auditCodes } from "../codes.ts";
import type { ConformityFinding } from "../conformity.ts";
import type { Subject, Verdict } from "../verdict.ts";

export interface FormatOptions {
  /** How emphasis is shown; default: not at all. */
  readonly paint?: Paint;
  /** Entries listed under one rule or one code before the rest is only counted; default 20. */
  readonly maxListed?: number;
}

/** The report as text for people. Everything in it is in the JSON form as well, where nothing is cut off. */
export function formatAuditReport(audited: AuditReport, { paint = plain, maxListed = 20 }: FormatOptions = {}): string {
  const report = printable(audited);
  const sections = [
    headSection(report, paint),
    integritySection(report, paint),
    agentsSection(report, paint),
    verdictSection(report, "fails", paint, maxListed),
    conformitySection(report, paint, maxListed),
    undecidedSection(report, paint),
    verdictSection(report, "unproven", paint, 3),
    limitsSection(report, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function headSection({ evidence, chain, log }: AuditReport, paint: Paint): string[] {
  if (!evidence) return [paint.bold("Evidence"), "  cannot be read"];
  const rows: string[][] = [
    [
      "Evidence",
      `${count(evidence.entries, "entry", "entries")}, ${evidence.bytes.toLocaleString("en")} bytes, sha256 ${evidence.sha256}`,
    ],
    [
      "Log",
      `${evidence.origin || "(the header cannot be read)"}${log ? `, ${count(log.size, "entry", "entries")} under root ${log.root}` : ""}`,
    ],
    ...(log?.operator ? [["Operator", log.operator]] : []),
    ["Anchor", log?.anchor ? `block ${log.anchor.blockNumber} of chain ${evidence.chainId}` : "none that is proven"],
    ["Chain", chain ? `${evidence.chainId}, as of block ${chain.blockNumber} ${chain.blockHash}` : "not asked"],
  ];
  for (const { name, address, codeHash, implementation } of chain?.contracts ?? []) {
    rows.push([`  ${name}`, `${address}  code ${codeHash ?? "none"}`]);
    if (implementation) {
      rows.push(["    behind it", `${implementation.address}  code ${implementation.codeHash ?? "none"}`]);
    }
  }
  return table(rows.map(([name = "", value = ""]) => [paint.bold(name), value]));
}

function integritySection({ summary }: AuditReport, paint: Paint): string[] {
  const { holds, fails, unproven } = summary.verdicts;
  const all = holds + fails + unproven;
  const verdict = summary.fullyProven
    ? paint.good(`PROVEN: all ${all} verdicts hold`)
    : summary.integrityHolds
      ? paint.warn(`NOT CONTRADICTED: ${holds} of ${all} verdicts hold, ${unproven} unproven`)
      : paint.bad(`FAILS: ${fails} of ${all} verdicts fail${unproven > 0 ? `, ${unproven} unproven` : ""}`);
  const rows = summary.checks.map((check) => [check.check, outcomeOf(check, paint), questions[check.check]]);
  return [`${paint.bold("Integrity")}  ${verdict}`, ...indented(table(rows))];
}

function outcomeOf({ holds, fails, unproven }: CheckSummary, paint: Paint): string {
  if (fails > 0) return paint.bad(`${fails} ${fails === 1 ? "fails" : "fail"}`);
  if (unproven > 0) return paint.warn(`${unproven} unproven`);
  return paint.good(holds === 1 ? "holds" : `${holds} hold`);
}

function agentsSection({ agents }: AuditReport, paint: Paint): string[] {
  if (agents.length === 0) return [];
  return [paint.bold("Who acted"), ...agents.flatMap((agent) => agentLines(agent, paint))];
}

function agentLines(agent: AgentSummary, paint: Paint): string[] {
  const kinds = Object.entries(agent.kinds).map(([kind, number]) => `${number} ${kind}`);
  const until = agent.notAfterBlock === null ? "with no proven end" : `to ${agent.notAfterBlock}`;
  const proof =
    agent.verdicts.fails > 0
      ? paint.bad(count(agent.verdicts.fails, "verdict fails", "verdicts fail"))
      : agent.verdicts.unproven > 0
        ? paint.warn(`${agent.verdicts.unproven} unproven`)
        : paint.good("proven");
  const conduct =
    agent.violations > 0
      ? paint.bad(count(agent.violations, "rule broken", "rules broken"))
      : agent.undecided > 0
        ? paint.warn(`no rule shown broken, ${agent.undecided} undecided`)
        : paint.good("no rule broken");
  const rows = [
    ["acts", `${kinds.join(", ")}; seq ${agent.firstSeq} to ${agent.lastSeq}; blocks ${agent.notBeforeBlock} ${until}`],
    ...agent.policies.map(({ policyHash, name, entries }) => [
      "policy",
      `${name ?? "(not in the file)"} ${policyHash}${agent.policies.length > 1 ? `, ${count(entries, "entry", "entries")}` : ""}`,
    ]),
    ["verdict", `${proof}, ${conduct}${agent.activeNow === false ? "; not active any more" : ""}`],
  ];
  return [`  ${agent.agent}`, ...indented(table(rows), 4)];
}

/** Verdicts that do not hold, by code. */
function verdictSection(report: AuditReport, outcome: "fails" | "unproven", paint: Paint, maxListed: number): string[] {
  const own = report.verdicts.filter((verdict) => verdict.outcome === outcome);
  if (own.length === 0) return [];
  const lines = [paint.bold(outcome === "fails" ? "What fails" : "What stays unproven")];
  for (const [code, group] of Map.groupBy(own, (verdict) => verdict.code)) {
    const checks = [...new Set(group.map(({ check }) => check))].join(", ");
    const color = outcome === "fails" ? paint.bad : paint.warn;
    lines.push(`  ${color(code)} ${auditCodes[code]} (${group.length} of ${checks})`);
    for (const verdict of group.slice(0, maxListed)) lines.push(...verdictLines(verdict));
    if (group.length > maxListed) lines.push(`    ... and ${group.length - maxListed} more`);
  }
  return lines;
}

function verdictLines({ subject, detail, expected, found }: Verdict): string[] {
  const rows = [
    ...(expected === undefined ? [] : [["expected", expected]]),
    ...(found === undefined ? [] : [["found", found]]),
  ];
  return [`    ${subjectOf(subject)}${detail}`, ...indented(table(rows), 6)];
}

function subjectOf({ line, agent, seq, entryId }: Subject): string {
  const parts = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(entryId === undefined ? [] : [`entry ${entryId}`]),
    ...(agent === undefined ? [] : [`${agent} seq ${seq ?? "?"}`]),
  ];
  return parts.length === 0 ? "" : `${parts.join(", ")}: `;
}

function conformitySection({ conformity, summary, evidence }: AuditReport, paint: Paint, maxListed: number): string[] {
  if (!evidence) return [];
  const { judged, conform, violate, undecidable, notJudged, notActs, violated } = conformity;
  const open = undecidable + notJudged;
  const verdict = {
    conforms: () => paint.good(judged === 0 ? "CONFORMS: no act was made" : `CONFORMS: all ${judged} acts`),
    violates: () => {
      const rest = open > 0 ? `, ${open} undecidable` : "";
      return paint.bad(`VIOLATES: ${count(violate, "act breaks", "acts break")} a rule of ${judged} judged${rest}`);
    },
    undecidable: () => paint.warn(`UNDECIDABLE: no act breaks a rule as far as can be seen, ${open} cannot be decided`),
  }[summary.conformity]();
  const counts = [
    `${judged} judged: ${conform} conform, ${violate} violate, ${undecidable} undecidable`,
    ...(notActs > 0 ? [`${notActs} no acts (refusals, heartbeats, key events)`] : []),
    ...(notJudged > 0 ? [`${notJudged} not judged: unsigned, or without their policy`] : []),
  ];
  const lines = [`${paint.bold("Conformity")}  ${verdict}`, ...indented(counts)];
  for (const rule of violated) lines.push(...ruleLines(rule, paint, maxListed));
  return lines;
}

function ruleLines({ ruleId, rule, findings }: RuleSummary, paint: Paint, maxListed: number): string[] {
  const shown = findings.slice(0, maxListed).map((finding: ConformityFinding) => {
    const { entryId, agent, seq, thread, act, detail } = finding;
    return [`${short(agent)} seq ${seq}`, thread ?? "", act, entryId, detail];
  });
  const rest = findings.length - shown.length;
  return [
    `  ${paint.bad(ruleId)} ${rule} (${findings.length})`,
    ...indented(table(shown), 4),
    ...(rest > 0 ? [`    ... and ${rest} more`] : []),
  ];
}

function undecidedSection({ conformity }: AuditReport, paint: Paint): string[] {
  const { undecided, undecidableRules } = conformity;
  const lines: string[] = [];
  if (undecided.length > 0) {
    lines.push(paint.bold("Rules that some acts leave undecided"));
    for (const { ruleId, rule, findings } of undecided) {
      lines.push(`  ${paint.warn(ruleId)} ${rule} (${count(findings.length, "act", "acts")})`);
      lines.push(`    ${findings[0]?.detail ?? ""}`);
    }
  }
  if (undecidableRules.length > 0) {
    if (lines.length > 0) lines.push("");
    lines.push(paint.bold("Rules that no log of acts can decide, as the policies say"));
    for (const { policy, rule, why } of undecidableRules) lines.push(`  ${policy}: ${rule}`, `    ${paint.dim(why)}`);
  }
  return lines;
}

function limitsSection({ limits }: AuditReport, paint: Paint): string[] {
  return limits.length === 0
    ? []
    : [paint.bold("What no audit of this file can say"), ...limits.map((limit) => `  - ${limit}`)];
}
