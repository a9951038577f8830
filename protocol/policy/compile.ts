import { AffiantError } from "../errors/affiantError.ts";
import { preparsePolicySet, preparseSchema } from "./cedar.ts";
import { checkCedarLimits } from "./cedarLimits.ts";
import { cedarWords, type ContextSchema, readContextSchema } from "./contextSchema.ts";
import { compileFact, type FactExpression } from "./factExpression.ts";
import { policyHashOf } from "./policyHash.ts";
import { readRules, type Rule } from "./rules.ts";
import type { PolicyBundle } from "./types.ts";

/** A bundle ready to judge acts. It holds no state of any act and may judge many at once. */
export interface CompiledPolicy {
  readonly bundle: PolicyBundle;
  readonly acts: ContextSchema;
  readonly rules: ReadonlyMap<string, Rule>;
  readonly facts: ReadonlyMap<string, FactExpression>;
  /** What names the thread of an act; undefined where the policy leaves that open. */
  readonly thread: FactExpression | undefined;
  /** Names under which Cedar keeps the parsed schema and policy sets. */
  readonly cedar: {
    readonly schema: string;
    readonly scopes: string;
    readonly forbids: string;
    readonly permits: string;
  };
}

/** Checking a bundle compiles it; whoever then judges by the same object need not compile it again. */
const compiledBundles = new WeakMap<PolicyBundle, CompiledPolicy>();

/**
 * Parses and validates all of a bundle, once for each bundle object. Judging an act then costs no parsing.
 * @throws AffiantError ERR_INPUT_POLICY
 */
export function compilePolicy(bundle: PolicyBundle): CompiledPolicy {
  const known = compiledBundles.get(bundle);
  if (known !== undefined) return known;
  try {
    const compiled = compile(bundle);
    compiledBundles.set(bundle, compiled);
    return compiled;
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    // `checkCedarLimits` should have kept out what makes Cedar trap; if something got by, say which bundle it was.
    throw new AffiantError("ERR_INPUT_POLICY", "Cedar gave up on the bundle", { cause });
  }
}

function compile(bundle: PolicyBundle): CompiledPolicy {
  checkCedarLimits("the schema", bundle.schema);
  checkCedarLimits("the policies", bundle.policies);
  const acts = readContextSchema(bundle.schema);
  const rules = readRules(bundle.schema, bundle.policies);
  checkNames(bundle, acts, rules);
  const facts = Object.entries(bundle.facts).map(
    ([name, source]) => [name, compileFact(`fact ${name}`, source)] as const,
  );
  const thread = bundle.thread === undefined ? undefined : compileFact("`thread`", bundle.thread);

  const key = policyHashOf(bundle);
  const cedar = { schema: key, scopes: `${key}/scopes`, forbids: `${key}/forbids`, permits: `${key}/permits` };
  const textsOf = (effect: Rule["effect"]) =>
    Object.fromEntries(rules.filter((rule) => rule.effect === effect).map((rule) => [rule.id, rule.text]));
  // Scopes are all kept as permits, so that Cedar names every one that is satisfied.
  const scopes = Object.fromEntries(rules.map((rule) => [rule.id, { ...rule.scope, effect: "permit" as const }]));
  for (const answer of [
    preparseSchema(cedar.schema, bundle.schema),
    preparsePolicySet(cedar.scopes, { staticPolicies: scopes }),
    preparsePolicySet(cedar.forbids, { staticPolicies: textsOf("forbid") }),
    preparsePolicySet(cedar.permits, { staticPolicies: textsOf("permit") }),
  ]) {
    if (answer.type === "failure") fail(cedarWords(answer.errors, bundle.policies));
  }
  return { bundle, acts, rules: new Map(rules.map((rule) => [rule.id, rule])), facts: new Map(facts), thread, cedar };
}

/** Facts and declared attributes must be the same names, or a rule would wait for a fact that nobody computes. */
function checkNames(bundle: PolicyBundle, acts: ContextSchema, rules: readonly Rule[]): void {
  const declared = new Set([...acts.values()].flatMap((attributes) => [...attributes.keys()]));
  const stray = Object.keys(bundle.facts).find((name) => !declared.has(name));
  if (stray !== undefined) fail(`fact ${stray} is no context attribute in the schema`);
  const uncomputed = [...declared].find((name) => !Object.hasOwn(bundle.facts, name));
  if (uncomputed !== undefined) fail(`no fact computes the context attribute ${uncomputed}`);
  for (const rule of rules) {
    const unknown = rule.needs.find((name) => !declared.has(name));
    if (unknown !== undefined) fail(`policy ${rule.id} needs ${unknown}, which is no context attribute in the schema`);
  }
  const undeclared = bundle.letThroughInDoubt?.find((act) => !acts.has(act));
  if (undeclared !== undefined) fail(`\`letThroughInDoubt\` names ${undeclared}, which is no act in the schema`);
}

function fail(message: string): never {
  throw new AffiantError("ERR_INPUT_POLICY", message);
}
