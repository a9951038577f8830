import { statefulIsAuthorized } from "./cedar.ts";
import { cedarWords } from "./contextSchema.ts";
import { compilePolicy, type CompiledPolicy } from "./compile.ts";
import { type ActFacts, factsOf } from "./facts.ts";
import type { Rule } from "./rules.ts";
import { type ActConformity, builtInRules, type PolicyAct, type PolicyBundle, type RuleFinding } from "./types.ts";

/**
 * Judges one act of an agent by a policy, from the act and the acts before it in the same thread (oldest first).
 *
 * A rule is *violated* when its `forbid` is satisfied, *undecidable* when a fact it needs is not there, a fact it looks
 * at could not be computed (withheld value, wrong type, over the limit) or Cedar itself stumbled; otherwise it holds.
 * Rules whose scope does not match the act say nothing of it. Pass a compiled policy when judging more than one act.
 * @throws AffiantError ERR_INPUT_POLICY when a bundle is given that is not valid
 */
export async function evaluateAct(
  policy: PolicyBundle | CompiledPolicy,
  agentDid: string,
  act: PolicyAct,
  before: readonly PolicyAct[],
): Promise<ActConformity> {
  const compiled = "rules" in policy ? policy : compilePolicy(policy);
  const attributes = compiled.acts.get(act.act);
  if (attributes === undefined) {
    return conformityOf([finding("unknown-act", "violated", `act ${JSON.stringify(act.act)}`)]);
  }
  const rules = rulesInScope(compiled, agentDid, act.act);
  const facts = await factsOf(compiled, factsWanted(rules, [...attributes.keys()]), attributes, act, before);
  const judge = (set: string): CedarJudgement => ask(compiled, agentDid, act.act, set, facts.context);

  const forbids = rules.filter((rule) => rule.effect === "forbid");
  const judgement = judge(compiled.cedar.forbids);
  const findings = forbids.flatMap((rule) => judgeRule(rule, facts, judgement) ?? []);
  const permission = judgePermission(rules, facts, () => judge(compiled.cedar.permits));
  return conformityOf(permission === undefined ? findings : [...findings, permission]);
}

interface CedarJudgement {
  readonly satisfied: ReadonlySet<string>;
  /** Rule → Cedar's words why it could not be evaluated. */
  readonly errors: ReadonlyMap<string, string>;
  /** Why Cedar judged nothing at all. */
  readonly refused?: string;
}

function ask(
  policy: CompiledPolicy,
  agentDid: string,
  act: string,
  policySet: string,
  context: ActFacts["context"],
): CedarJudgement {
  const answer = statefulIsAuthorized({
    principal: { type: "Agent", id: agentDid },
    action: { type: "Action", id: act },
    resource: { type: "System", id: agentDid },
    context: { ...context },
    entities: [],
    preparsedSchemaName: policy.cedar.schema,
    preparsedPolicySetId: policySet,
    validateRequest: true,
  });
  if (answer.type === "failure") {
    return { satisfied: new Set(), errors: new Map(), refused: cedarWords(answer.errors) };
  }
  // Sets hold one effect each, so `reason` names every satisfied policy, not only those that won.
  const { reason, errors } = answer.response.diagnostics;
  return {
    satisfied: new Set(reason),
    errors: new Map(errors.map(({ policyId, error }) => [policyId, cedarWords([error])])),
  };
}

/** Cedar itself says whose scope matches, action groups and principal constraints included. */
function rulesInScope(policy: CompiledPolicy, agentDid: string, act: string): readonly Rule[] {
  const { satisfied, refused } = ask(policy, agentDid, act, policy.cedar.scopes, {});
  // Never drop a rule in doubt: it comes out as undecidable below.
  return [...policy.rules.values()].filter((rule) => refused !== undefined || satisfied.has(rule.id));
}

/** Only facts that some rule in scope looks at are computed, in an order that does not depend on the bundle's spelling. */
function factsWanted(rules: readonly Rule[], declared: readonly string[]): readonly string[] {
  const wanted = new Set(rules.flatMap((rule) => [...rule.needs, ...(rule.reads === "all" ? declared : rule.reads)]));
  return [...wanted].sort();
}

function judgeRule(rule: Rule, facts: ActFacts, judgement: CedarJudgement): RuleFinding | undefined {
  const doubt = doubtAbout(rule, facts, judgement);
  if (doubt !== undefined) return finding(rule, "undecidable", doubt);
  return judgement.satisfied.has(rule.id) ? finding(rule, "violated", factsInWords(rule, facts)) : undefined;
}

/** A permit that might have applied makes a missing permission undecidable, not violated. */
function judgePermission(
  rules: readonly Rule[],
  facts: ActFacts,
  judgePermits: () => CedarJudgement,
): RuleFinding | undefined {
  const permits = rules.filter((rule) => rule.effect === "permit");
  const judgement = judgePermits();
  const doubts = permits.map((rule) => doubtAbout(rule, facts, judgement));
  if (permits.some((rule, index) => doubts[index] === undefined && judgement.satisfied.has(rule.id))) return undefined;
  const doubt = doubts.find((words) => words !== undefined);
  if (doubt !== undefined) return finding("not-permitted", "undecidable", doubt);
  const conditions = permits.map((rule) => `${rule.id}: ${factsInWords(rule, facts)}`);
  return finding("not-permitted", "violated", conditions.join("; ") || "no permit speaks of this act");
}

function doubtAbout(rule: Rule, facts: ActFacts, judgement: CedarJudgement): string | undefined {
  if (judgement.refused !== undefined) return judgement.refused;
  for (const [name, why] of facts.unknown) {
    if (rule.reads === "all" || rule.reads.has(name) || rule.needs.includes(name)) return `${name}: ${why}`;
  }
  const missing = rule.needs.filter((name) => !Object.hasOwn(facts.context, name));
  if (missing.length > 0) return `not in the record: ${missing.join(", ")}`;
  return judgement.errors.get(rule.id);
}

function factsInWords(rule: Rule, facts: ActFacts): string {
  const names = rule.reads === "all" ? Object.keys(facts.context) : [...rule.reads];
  return names
    .sort()
    .map((name) => `${name} = ${Object.hasOwn(facts.context, name) ? shown(facts.context[name]) : "(absent)"}`)
    .join(", ");
}

function shown(value: unknown): string {
  // Cedar's extension values, decimals say, by the text that made them.
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && "__extn" in item ? (item.__extn as { arg: unknown }).arg : item,
  );
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

function finding(
  rule: Pick<Rule, "id" | "rule"> | keyof typeof builtInRules,
  outcome: RuleFinding["outcome"],
  detail: string,
): RuleFinding {
  if (typeof rule === "string") return { ruleId: rule, rule: builtInRules[rule], outcome, detail };
  return { ruleId: rule.id, rule: rule.rule, outcome, detail };
}

function conformityOf(findings: readonly RuleFinding[]): ActConformity {
  const violated = findings.some((item) => item.outcome === "violated");
  return { outcome: violated ? "violates" : findings.length > 0 ? "undecidable" : "conforms", findings };
}
