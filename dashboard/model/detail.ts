import type { DetailedAudit } from "../../auditor/audit.ts";
import type { ActRecord } from "../../auditor/report/actRecord.ts";
import type { AuditScope } from "../../auditor/report/auditScope.ts";
import type { CheckName, Verdict } from "../../auditor/verdict.ts";
import { decodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { formatKeyDid } from "../../protocol/did/key.ts";
import { allowedInWords } from "../../protocol/policy/allowed.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { Rule } from "../../protocol/policy/rules.ts";
import { toPrintableJson } from "../../protocol/text/escapeControls.ts";
import type { Delegation } from "../../protocol/ucan/delegation.ts";
import { ladderOf } from "./ladder.ts";
import type { ActDetail, FactDetail, Raw, RuleDetail } from "./messages.ts";

/** What is behind one act, looked up when somebody looks. */
export function detailOf(
  { report, acts, scope }: DetailedAudit,
  n: number,
  inWords: (delegation: Delegation) => string,
): ActDetail | undefined {
  const record = acts[n];
  const finding = scope?.findings[n];
  if (!record || !scope || !finding) return undefined;
  const delegations = finding.call?.call.delegations;
  const contracts = [...(delegations ?? [])].map(([cid, delegation]) => ({
    cid,
    words: inWords(delegation),
  }));
  return {
    n,
    record,
    rungs: ladderOf(record.verdicts, sharedWith(record, report.verdicts)),
    rules: record.findings.map((one) => ruleDetail(one, record, scope)),
    raw: rawOf(record, scope, n),
    contracts,
  };
}

const ofTheFile: ReadonlySet<CheckName> = new Set([
  "chain",
  "contracts",
  "log",
  "equivocation",
  "checkpoint",
  "operator",
  "anchor",
]);

function sharedWith({ agent, policyHash, line }: ActRecord, verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.filter(({ check, subject, detail, found, expected }) => {
    if (ofTheFile.has(check)) return true;
    if (check === "policy-bundle") return [found, expected].includes(policyHash) || detail.includes(policyHash);
    return subject.agent === agent && subject.line !== line && subject.entryId === undefined;
  });
}

function ruleDetail(finding: ActRecord["findings"][number], record: ActRecord, scope: AuditScope): RuleDetail {
  const { ruleId, rule, outcome, detail } = finding;
  const policy = scope.policies.get(record.policyHash);
  const found = policy?.rules.get(ruleId);
  return {
    ruleId,
    rule,
    outcome,
    detail,
    facts: found && record.facts ? factsOf(found, record, policy?.bundle.facts ?? {}) : [],
    allowed: (found && allowedInWords(found, record.facts?.context ?? {})) ?? null,
    source: found?.text ?? null,
  };
}

function factsOf(rule: Rule, { facts }: ActRecord, sources: Readonly<Record<string, string>>): FactDetail[] {
  if (!facts) return [];
  const names = rule.reads === "all" ? Object.keys(facts.context) : [...new Set([...rule.reads, ...rule.needs])];
  return names.toSorted().map((name) => {
    const expression = Object.hasOwn(sources, name) ? (sources[name] ?? "") : "";
    const why = facts.unknown.get(name);
    if (why !== undefined) return { name, state: "unknown", value: why, expression };
    if (!Object.hasOwn(facts.context, name)) return { name, state: "absent", value: "", expression };
    return { name, state: "known", value: valueText(facts.context[name]), expression };
  });
}

/** Cedar's extension values, decimals say, by the text that made them. */
function valueText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && "__extn" in item ? (item.__extn as { arg: unknown }).arg : item,
  );
}

function rawOf(record: ActRecord, { evidence, findings }: AuditScope, n: number): ActDetail["raw"] {
  const finding = findings[n];
  if (!finding) return {};
  const { decoded, evidence: entry, signingKey } = finding.entry;
  const bundle = evidence.policies.find((policy) => policyHashOf(policy) === record.policyHash);
  const { header, checkpoint } = evidence;
  const tokens = finding.call?.call;
  return {
    identity: [
      { title: "DID", text: record.agent },
      { title: "Ed25519", text: `${signingKey}\n${formatKeyDid(decoded.publicKey)}` },
    ],
    policy: [
      { title: "SHA-256 (JCS)", text: record.policyHash },
      ...(bundle
        ? [
            { title: "Cedar", text: bundle.policies },
            { title: "JSONata", text: toPrintableJson(bundle.facts, 2) },
          ]
        : []),
    ],
    contract: tokens
      ? [
          { title: "UCAN invocation", text: hexOf(tokens.invocation.envelope.bytes) },
          ...[...tokens.delegations].map(([cid, { envelope }]) => ({
            title: `UCAN delegation ${cid}`,
            text: hexOf(envelope.bytes),
          })),
        ]
      : [],
    act: [
      { title: "JWS", text: entry.leaf },
      { title: "claims", text: toPrintableJson(decoded.claims, 2) },
      ...entry.disclosures.map(disclosureText),
    ],
    inclusion: [{ title: `RFC 9162, leaf ${entry.index}`, text: entry.proof.join("\n") || "(a tree of one leaf)" }],
    anchor: [
      { title: "checkpoint", text: checkpoint.note },
      { title: "header", text: toPrintableJson(header, 2) },
    ],
  };
}

function disclosureText(encoded: string): Raw {
  try {
    const { name, salt, value } = decodeDisclosure(encoded);
    return { title: `disclosure: ${name}`, text: toPrintableJson([salt, name, value], 2) };
  } catch {
    return { title: "disclosure that cannot be read", text: encoded };
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
