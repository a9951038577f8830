import { relative } from "node:path";

import type { AgentSummary, AuditReport, CheckSummary } from "../../auditor/report/auditReport.ts";
import type { Paint } from "../../auditor/report/paint.ts";
import { printable } from "../../auditor/report/printable.ts";
import { count, indented, table } from "../../auditor/report/textLayout.ts";
import type { CheckName } from "../../auditor/verdict.ts";
import type { RunningAgent, RunningSystem } from "../../orchestrator/start/system.ts";
import type { RoundState } from "../../attestation/service/registry.ts";
import type { EpochState } from "../../orchestrator/conductor/conductor.ts";
import { laterServices } from "../later/services.ts";
import type { TamperVerdict } from "./tamper.ts";
import type { UsedContract } from "./contracts.ts";
import type { RecordedRefusal } from "./refusals.ts";

export interface StartResult {
  readonly system: RunningSystem;
  readonly audit: AuditReport;
  readonly refusals: readonly RecordedRefusal[];
  readonly contracts: readonly UsedContract[];
  readonly protection: { readonly round: RoundState | null; readonly epochs: readonly EpochState[] };
  readonly tamper: TamperVerdict | undefined;
}

/** What was asked of the evidence, in the words of a reader; each line stands for the verdicts of some checks. */
const questions: readonly (readonly [string, readonly CheckName[]])[] = [
  ["Every entry was signed by a key that was the agent's at the time", ["issuer", "signing-key", "signature", "entry"]],
  ["Every policy was committed on chain before the act, and in force", ["policy-bundle", "policy-in-force"]],
  ["No agent's entry is missing, doubled or moved", ["sequence"]],
  ["Every act lies between two blocks of the chain", ["not-before", "not-after"]],
  ["Every call was allowed by a contract in force, and both agents entered it", ["call", "call-pair"]],
  ["Every call came under a key that attested agents alone had been given", ["group-key"]],
  ["Every payload is the one that was signed", ["disclosures", "evidence"]],
  ["Every entry is in the log, under one signed checkpoint", ["log", "checkpoint", "inclusion"]],
  ["The checkpoint's root stands on the chain, in these contracts", ["anchor", "chain", "contracts"]],
];

/** The report of a start, for people. It says nothing that the audit did not find. */
export function formatStartReport(result: StartResult, staysUp: boolean, paint: Paint): string[] {
  const safe: StartResult = {
    ...result,
    audit: printable(result.audit),
    refusals: printable(result.refusals),
    contracts: printable(result.contracts),
  };
  const sections = [
    whoActed(safe, paint),
    howItIsProtected(safe, paint),
    ...(safe.tamper ? [whatTamperingCame(safe.tamper, paint)] : []),
    whatIsProven(safe, paint),
    whatWasGranted(safe, paint),
    whatWasRefused(safe, paint),
    whatWasViolated(safe, paint),
    whereThingsAre(safe, staysUp, paint),
    ...(staysUp ? [whatToTry(safe, paint)] : []),
  ];
  return sections.flatMap((lines) => ["", ...lines]);
}

function whoActed({ system, audit }: StartResult, paint: Paint): string[] {
  const lines = [paint.bold("Who acted")];
  for (const agent of system.agents) {
    const summary = audit.agents.find(({ agent: did }) => did === agent.did);
    lines.push(`  ${paint.bold(agent.name)}, ${agent.role}`, ...indented(table(agentRows(agent, summary)), 4));
  }
  return lines;
}

function agentRows(agent: RunningAgent, summary: AgentSummary | undefined): string[][] {
  const rows = [["identity", agent.did]];
  const { name, policyHash, version, sinceBlock } = agent.policy;
  rows.push(["policy", `${name}, version ${version}, in force since block ${sinceBlock}`], ["", policyHash]);
  if (!summary) return [...rows, ["record", "nothing yet"]];
  const { act = 0, refusal = 0 } = summary.kinds;
  const until = summary.notAfterBlock === null ? "" : ` to ${summary.notAfterBlock}`;
  rows.push([
    "record",
    `${count(act, "act", "acts")}, ${count(refusal, "refusal", "refusals")}; blocks ${summary.notBeforeBlock}${until}`,
  ]);
  return rows;
}

function howItIsProtected({ system, audit, protection }: StartResult, paint: Paint): string[] {
  const { did, policy } = system.orchestrator;
  const own = audit.agents.find(({ agent }) => agent === did);
  const { round, epochs } = protection;
  const rows = [
    ["orchestrator", did],
    ["", `policy ${policy.name}, version ${policy.version}; ${count(own?.kinds.act ?? 0, "act", "acts")} on record`],
  ];
  if (round) {
    const state = round.phase === "closed" ? "closed" : `under way (${round.phase})`;
    rows.push(["attestation", `round ${round.number}, ${state}: ${round.settled} of ${round.size} agents verified`]);
  }
  for (const { group, epoch, current, holders, acknowledgedBy } of epochs) {
    const validity = current ? paint.good("in force") : paint.warn("over");
    rows.push(["group key", `${group}, epoch ${epoch}, ${validity}: held by ${holders.join(", ")}`]);
    rows.push(["", `${acknowledgedBy.length} of ${holders.length} acknowledged it on chain`]);
  }
  for (const { name, site } of system.agents) rows.push([`site of ${name}`, site]);
  return [`${paint.bold("How it is protected")}: each agent runs what was enrolled`, ...indented(table(rows))];
}

function whatTamperingCame(story: TamperVerdict, paint: Paint): string[] {
  const { agent, replacedBy, caughtAfterMs } = story;
  const rows = [
    [
      `block ${story.changedAtBlock}`,
      `One line of ${agent}'s program was changed on its site, and the program started anew.`,
    ],
    [
      `block ${story.quarantinedAtBlock}`,
      `Another agent's challenge showed it, ${(caughtAfterMs / 1000).toFixed(1)} s later. Its wrapper held the program;`,
    ],
    ["", "the chain put it into quarantine, and the group's key that it knew ended in that block."],
    [
      `block ${story.convictedAtBlock}`,
      "Convicted. Its contracts were revoked, the others got a new key, its processes were ended.",
    ],
    [
      `block ${replacedBy.atBlock}`,
      `${replacedBy.folder}, with keys of its own, was attested and had taken its place.`,
    ],
  ];
  const after =
    story.actsAfterCaught === 0
      ? paint.good("After it was caught it did nothing: no act of it names a later block.")
      : paint.bad(`After it was caught it still did ${count(story.actsAfterCaught, "act", "acts")}.`);
  const before = `Between the change and that, ${count(story.actsBeforeCaught, "act was", "acts were")} its own.`;
  return [
    paint.bold(`What became of ${agent}, which was tampered with`),
    ...indented(table(rows)),
    `  ${before}`,
    `  ${after}`,
  ];
}

function whatIsProven({ audit }: StartResult, paint: Paint): string[] {
  const { holds, fails, unproven } = audit.summary.verdicts;
  const all = holds + fails + unproven;
  const headline =
    fails > 0
      ? paint.bad(`${fails} of ${all} verdicts FAIL`)
      : unproven > 0
        ? paint.warn(`${unproven} of ${all} verdicts stay unproven`)
        : paint.good(`all ${all} verdicts hold`);
  const lines = [`${paint.bold("What is proven")}, from the evidence file and the chain alone: ${headline}`];
  for (const [question, checks] of questions) {
    const own = audit.summary.checks.filter(({ check }) => checks.includes(check));
    // Agents without a group say nothing of one.
    if (own.length > 0 || !checks.includes("group-key")) lines.push(`  ${markOf(own, paint)} ${question}`);
  }
  for (const verdict of audit.verdicts.filter(({ outcome }) => outcome !== "holds").slice(0, 10)) {
    lines.push(
      `    ${verdict.outcome === "fails" ? paint.bad(verdict.code) : paint.warn(verdict.code)} ${verdict.detail}`,
    );
  }
  return lines;
}

function markOf(checks: readonly CheckSummary[], paint: Paint): string {
  if (checks.some(({ fails }) => fails > 0)) return paint.bad("✗");
  if (checks.length === 0 || checks.some(({ unproven }) => unproven > 0)) return paint.warn("?");
  return paint.good("✓");
}

function whatWasGranted({ system, contracts }: StartResult, paint: Paint): string[] {
  if (contracts.length === 0) return [`${paint.bold("Contracts")}: no agent called another one`];
  const nameOf = (did: string): string => system.agents.find((agent) => agent.did === did)?.name ?? did;
  const calls = contracts.reduce((sum, contract) => sum + contract.calls, 0);
  const refused = contracts.reduce((sum, contract) => sum + contract.refused, 0);
  const lines = [`${paint.bold("Contracts")}: ${count(calls, "call", "calls")} under them, ${refused} refused`];
  for (const { from, to, command, terms, expiresAtSec, ...counts } of contracts) {
    const until = expiresAtSec === null ? "" : ` until ${new Date(expiresAtSec * 1000).toISOString().slice(0, 10)}`;
    const uses = `${count(counts.calls, "call", "calls")}, ${counts.refused} refused`;
    lines.push(`  ${nameOf(from)} lets ${nameOf(to)} do ${paint.bold(command)}${until}: ${uses}`);
    if (terms !== "") lines.push(`    ${paint.dim(`provided that ${terms}`)}`);
  }
  return lines;
}

function whatWasRefused({ system, refusals }: StartResult, paint: Paint): string[] {
  if (refusals.length === 0) return [`${paint.bold("What was refused")}: nothing`];
  const rows = refusals.map(({ agent, thread, act, reason, rule, code }) => {
    const policy = system.agents.find(({ did }) => did === agent)?.policy.name;
    const ground = rule === undefined ? code : `rule ${rule} of ${policy}`;
    return [thread, act, ground === undefined ? reason : `${reason} ${paint.dim(`(${ground})`)}`];
  });
  return [`${paint.bold("What was refused")}, and why: ${refusals.length}`, ...indented(table(rows))];
}

function whatWasViolated({ audit }: StartResult, paint: Paint): string[] {
  const { judged, violate, violated, undecidable } = audit.conformity;
  const open = undecidable > 0 ? `; ${count(undecidable, "act", "acts")} could not be decided in part` : "";
  if (violate === 0) {
    return [
      `${paint.bold("Violations")}: ${paint.good(`none; ${judged} acts were judged again by their policies${open}`)}`,
    ];
  }
  const lines = [
    `${paint.bold("Violations")}: ${paint.bad(`${count(violate, "act breaks", "acts break")} a rule${open}`)}`,
  ];
  for (const { ruleId, rule, findings } of violated) {
    lines.push(`  ${paint.bad(ruleId)} ${rule}`);
    for (const { act, thread, entryId, detail } of findings)
      lines.push(`    ${thread ?? ""} ${act} ${entryId} ${detail}`);
  }
  return lines;
}

function whereThingsAre({ system, audit }: StartResult, staysUp: boolean, paint: Paint): string[] {
  const { layout, endpoints, deployment } = system;
  const anchor = audit.log?.anchor;
  const rows = [
    ["evidence", `${shown(layout.evidence)}, ${count(audit.evidence?.entries ?? 0, "entry", "entries")}`],
    ["", `sha256 ${audit.evidence?.sha256 ?? "(unreadable)"}`],
    [
      "log",
      `${audit.evidence?.origin ?? ""}, ${audit.log?.size ?? 0} entries under root ${audit.log?.root ?? "(unknown)"}`,
    ],
    ["anchor", anchor ? `block ${anchor.blockNumber}, contract ${deployment.contracts.logAnchor.address}` : "(none)"],
  ];
  if (staysUp) {
    rows.push(["relayer", `${endpoints.relayerUrl}  (its API: ${endpoints.relayerUrl}/docs)`]);
    rows.push(["chain", `${endpoints.rpcUrl}  (chain id ${deployment.chainId})`]);
    for (const [name, url] of Object.entries(system.later)) {
      const about = laterServices.find((service) => service.name === name)?.about;
      rows.push([name, `${url}  (${about ?? "opened when it is first asked for"})`]);
    }
  }
  rows.push(["logs", shown(layout.log("*"))]);
  return [paint.bold("Where things are"), ...indented(table(rows))];
}

function whatToTry({ system }: StartResult, paint: Paint): string[] {
  const { layout, endpoints } = system;
  const order = endpoints.agents["order"];
  return [
    paint.bold("What to try next"),
    `  npm run affiant -- audit ${shown(layout.evidence)} --rpc ${endpoints.rpcUrl}`,
    "  npm run affiant -- status",
    `  curl ${endpoints.relayerUrl}/v1/log/checkpoint`,
    ...(order === undefined ? [] : [`  curl ${order}/v1/orders`]),
    "",
    "Everything stays up. Ctrl-C ends it; the next npm start goes on from here.",
  ];
}

/** A path as the user would type it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}
