import { askPolicies, askSet, type CedarJudgement, type CedarQuestion } from "./askCedar.ts";
import { boundOf, type Unknown } from "./bounds.ts";
import { compilePolicy, type CompiledPolicy } from "./compile.ts";
import { type ActFacts, factsOf } from "./facts.ts";
import type { Rule } from "./rules.ts";
import {
  type ActConformity,
  type Before,
  builtInRules,
  type PolicyAct,
  type PolicyBundle,
  type RuleFinding,
} from "./types.ts";

/**
 * Judges one act of an agent by a policy, from the act and the acts before it in the same thread (oldest first; a plain
 * list is taken as all of them).
 *
 * A rule is *violated* when its `forbid` is satisfied, whatever those facts are that nobody can tell. It is *undecidable*
 * when that hangs on a fact which it needs and which is not there, on one that could not be computed (withheld value,
 * wrong type, over the limit), or when Cedar itself stumbled; otherwise it holds. A fact that cannot be read is unknown to
 * the rules that look at it and to no other. Rules whose scope does not match the act say nothing of it. Pass a compiled
 * policy when judging more than one act.
 * @throws AffiantError ERR_INPUT_POLICY when a bundle is given that is not valid
 */
export async function evaluateAct(
  policy: PolicyBundle | CompiledPolicy,
  agentDid: string,
  act: PolicyAct,
  before: readonly PolicyAct[] | Before,
): Promise<ActConformity> {
  return (await evaluateWithFacts(policy, agentDid, act, before)).conformity;
}

/** The same, with the facts that the rules read; undefined for an act that the policy does not know. */
export async function evaluateWithFacts(
  policy: PolicyBundle | CompiledPolicy,
  agentDid: string,
  act: PolicyAct,
  before: readonly PolicyAct[] | Before,
): Promise<{ readonly conformity: ActConformity; readonly facts: ActFacts | undefined }> {
  const compiled = "rules" in policy ? policy : compilePolicy(policy);
  const attributes = compiled.acts.get(act.act);
  if (attributes === undefined) {
    const unknown = finding("unknown-act", "violated", `act ${JSON.stringify(act.act)}`);
    return { conformity: conformityOf([unknown]), facts: undefined };
  }
  const rules = rulesInScope(compiled, agentDid, act.act);
  const wanted = factsWanted(rules, [...attributes.keys()]);
  const known = await factsOf(compiled, wanted, attributes, act, "acts" in before ? before : { acts: before });
  const asked = askForbids(compiled, { agentDid, act: act.act, context: known.context }, known);
  const { facts, question } = asked;

  const forbids = rules.filter(({ effect }) => effect === "forbid");
  const findings = judgeForbids(forbids, facts, asked.judgement, question);
  const permits = rules.filter(({ effect }) => effect === "permit");
  const permission = judgePermission(permits, facts, askSet(compiled, "permits", question), question);
  return { conformity: conformityOf(permission === undefined ? findings : [...findings, permission]), facts };
}

/** Cedar itself says whose scope matches, action groups and principal constraints included. */
function rulesInScope(policy: CompiledPolicy, agentDid: string, act: string): readonly Rule[] {
  const { satisfied, refused } = askSet(policy, "scopes", { agentDid, act, context: {} });
  // Never drop a rule in doubt: it comes out as undecidable below.
  return [...policy.rules.values()].filter((rule) => refused !== undefined || satisfied.has(rule.id));
}

/** Only facts that some rule in scope looks at are computed, in an order that does not depend on the bundle's spelling. */
function factsWanted(rules: readonly Rule[], declared: readonly string[]): readonly string[] {
  const wanted = new Set(rules.flatMap((rule) => [...rule.needs, ...(rule.reads === "all" ? declared : rule.reads)]));
  return [...wanted].sort();
}

interface AskedForbids {
  readonly facts: ActFacts;
  readonly question: CedarQuestion;
  readonly judgement: CedarJudgement;
}

/**
 * Asks Cedar about the forbids, if need be without the facts that it refuses: for one value that it cannot read it judges
 * nothing at all, and then no rule would speak. Values are checked before they come here, so this is for what that check
 * does not know of.
 */
function askForbids(policy: CompiledPolicy, question: CedarQuestion, facts: ActFacts): AskedForbids {
  const judgement = askSet(policy, "forbids", question);
  if (judgement.refused === undefined) return { facts, question, judgement };
  const unknown = new Map(facts.unknown);
  const kept: [string, ActFacts["context"][string]][] = [];
  for (const [name, value] of Object.entries(facts.context)) {
    const alone = { ...question, context: Object.fromEntries([[name, value]]) };
    const { refused } = askSet(policy, "forbids", alone);
    if (refused === undefined) kept.push([name, value]);
    else unknown.set(name, refused);
  }
  const rest = { ...question, context: Object.fromEntries(kept) };
  const again = askSet(policy, "forbids", rest);
  if (again.refused === undefined) {
    return { facts: { ...facts, context: rest.context, unknown }, question: rest, judgement: again };
  }
  // Each is readable and all are not: none can be relied on.
  for (const [name] of kept) unknown.set(name, judgement.refused);
  const none = { ...question, context: {} };
  return { facts: { ...facts, context: {}, unknown }, question: none, judgement: askSet(policy, "forbids", none) };
}

/** Why a rule cannot be taken as Cedar judged it, and by which facts. */
interface Doubt {
  readonly rule: Rule;
  readonly why: string;
  /** Sets of facts; without those of one of them Cedar may still come to a judgement. */
  readonly without: readonly Unknown[];
}

function judgeForbids(
  rules: readonly Rule[],
  facts: ActFacts,
  judgement: CedarJudgement,
  question: CedarQuestion,
): RuleFinding[] {
  const doubts = new Map(rules.map((rule) => [rule, doubtAbout(rule, facts, judgement)]));
  const certain = boundsMet([...doubts.values()], "least", question);
  return rules.flatMap((rule) => {
    const doubt = doubts.get(rule);
    const violated = doubt ? certain.has(rule.id) : judgement.satisfied.has(rule.id);
    if (violated) return [finding(rule, "violated", factsInWords(rule, facts))];
    const open = doubt?.why ?? claimFor(rule, facts);
    return open === undefined ? [] : [finding(rule, "undecidable", open)];
  });
}

/** A permit that might have applied makes a missing permission undecidable, not violated. */
function judgePermission(
  permits: readonly Rule[],
  facts: ActFacts,
  judgement: CedarJudgement,
  question: CedarQuestion,
): RuleFinding | undefined {
  const doubts = permits.map((rule) => doubtAbout(rule, facts, judgement));
  const certain = boundsMet(doubts, "least", question);
  const possible = boundsMet(doubts, "most", question);
  let open: string | undefined;
  for (const [index, rule] of permits.entries()) {
    const doubt = doubts[index];
    const satisfied = doubt ? certain.has(rule.id) : judgement.satisfied.has(rule.id);
    const claim = claimFor(rule, facts);
    if (satisfied && claim === undefined) return undefined;
    if (satisfied) open ??= claim;
    else if (doubt && possible.has(rule.id)) open ??= doubt.why;
  }
  if (open !== undefined) return finding("not-permitted", "undecidable", open);
  const conditions = permits.map((rule) => `${rule.id}: ${factsInWords(rule, facts)}`);
  return finding("not-permitted", "violated", conditions.join("; ") || "no permit speaks of this act");
}

function doubtAbout(rule: Rule, facts: ActFacts, judgement: CedarJudgement): Doubt | undefined {
  if (judgement.refused !== undefined) return { rule, why: judgement.refused, without: [] };
  const missing = rule.needs.filter((name) => !Object.hasOwn(facts.context, name) && !facts.unknown.has(name));
  const unread = [...facts.unknown].filter(([name]) => looksAt(rule, name));
  const [first] = unread;
  if (first !== undefined || missing.length > 0) {
    const why = first === undefined ? `not in the record: ${missing.join(", ")}` : `${first[0]}: ${first[1]}`;
    return { rule, why, without: [{ names: new Set([...unread.map(([name]) => name), ...missing]), present: false }] };
  }
  const error = judgement.errors.get(rule.id);
  if (error === undefined) return undefined;
  // It stumbled over one of its facts, a number too large say; by the others it may be broken all the same.
  const read = Object.keys(facts.context).filter((name) => looksAt(rule, name));
  return { rule, why: error, without: read.map((name) => ({ names: new Set([name]), present: true })) };
}

/**
 * The rules in doubt of which one bound is met: for `least` those that are satisfied whatever the facts in doubt are, for
 * `most` those that may be.
 */
function boundsMet(
  doubts: readonly (Doubt | undefined)[],
  end: "least" | "most",
  question: CedarQuestion,
): ReadonlySet<string> {
  const asked = doubts.flatMap((doubt) =>
    doubt ? doubt.without.map((names, index) => [`${doubt.rule.id}/${index}`, doubt, names] as const) : [],
  );
  const met = new Set(
    end === "most" ? doubts.flatMap((doubt) => (doubt?.without.length === 0 ? [doubt.rule.id] : [])) : [],
  );
  if (asked.length === 0) return met;
  const policies = asked.map(([id, { rule }, names]) => [id, boundOf(rule.policy, names, end)] as const);
  const { satisfied, errors, refused } = askPolicies(Object.fromEntries(policies), question);
  for (const [id, { rule }] of asked) {
    const stumbled = refused !== undefined || errors.has(id);
    if (satisfied.has(id) || (end === "most" && stumbled)) met.add(rule.id);
  }
  return met;
}

function looksAt(rule: Rule, name: string): boolean {
  return rule.reads === "all" || rule.reads.has(name) || rule.needs.includes(name);
}

/** What is to be said of a rule that rests on the agent's own word of what came before. */
function claimFor(rule: Rule, facts: ActFacts): string | undefined {
  for (const [name, why] of facts.claimed) if (looksAt(rule, name)) return `${name}: ${why}`;
  return undefined;
}

function factsInWords(rule: Rule, facts: ActFacts): string {
  const names = rule.reads === "all" ? Object.keys(facts.context) : [...rule.reads];
  return names
    .sort()
    .map((name) => `${name} = ${valueInWords(name, facts)}`)
    .join(", ");
}

function valueInWords(name: string, { context, unknown }: ActFacts): string {
  if (unknown.has(name)) return "(unknown)";
  return Object.hasOwn(context, name) ? shown(context[name]) : "(absent)";
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
