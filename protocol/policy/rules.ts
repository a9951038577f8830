import { AffiantError } from "../errors/affiantError.ts";
import { attributesOf } from "./bounds.ts";
import { type PolicyJson, policySetTextToParts, policyToJson, validate } from "./cedar.ts";
import { cedarWords } from "./contextSchema.ts";
import { builtInRules } from "./types.ts";

/** One policy of the bundle. */
export interface Rule {
  readonly id: string;
  readonly effect: "forbid" | "permit";
  /** The rule in words. */
  readonly rule: string;
  /** Attributes from `@needs`. */
  readonly needs: readonly string[];
  /** Attributes its conditions look at; `"all"` when they use the context as a whole. */
  readonly reads: ReadonlySet<string> | "all";
  readonly text: string;
  readonly policy: PolicyJson;
  /** The same policy with its conditions taken out: satisfied exactly when the rule speaks of the request. */
  readonly scope: PolicyJson;
}

/**
 * Takes the policies of a bundle apart after Cedar's strict validation. A warning of the validator counts as an error:
 * most say that a rule can never fire, and such a rule would look kept forever.
 * @throws AffiantError ERR_INPUT_POLICY
 */
export function readRules(schema: string, policies: string): readonly Rule[] {
  validateStrictly(schema, policies);
  const parts = policySetTextToParts(policies);
  if (parts.type === "failure") fail(`the policies do not parse: ${cedarWords(parts.errors, policies)}`);
  if (parts.policy_templates.length > 0) fail("policy templates are not supported");

  const rules = parts.policies.map(readRule);
  const ids = new Set<string>();
  for (const { id } of rules) {
    if (ids.has(id)) fail(`two policies have @id("${id}")`);
    ids.add(id);
  }
  if (!rules.some((rule) => rule.effect === "permit")) fail("no policy permits anything");
  return rules;
}

function validateStrictly(schema: string, policies: string): void {
  const answer = validate({ schema, policies: { staticPolicies: policies }, validationSettings: { mode: "strict" } });
  if (answer.type === "failure") fail(`Cedar cannot read the policies: ${cedarWords(answer.errors, policies)}`);
  const findings = [...answer.validationErrors, ...answer.validationWarnings];
  if (findings.length > 0)
    fail(
      `Cedar rejects the policies: ${cedarWords(
        findings.map(({ error }) => error),
        policies,
      )}`,
    );
  if (answer.otherWarnings.length > 0)
    fail(`Cedar warns of the policies: ${cedarWords(answer.otherWarnings, policies)}`);
}

function readRule(text: string): Rule {
  const answer = policyToJson(text);
  if (answer.type === "failure") fail(`a policy does not parse: ${cedarWords(answer.errors, text)}`);
  const policy = answer.json;
  const { id, rule, needs, ...others } = policy.annotations ?? {};
  if (id === undefined || !/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) {
    fail(`a policy has no @id of 1 to 64 characters a-z 0-9 . _ -: ${text.slice(0, 80)}`);
  }
  if (Object.hasOwn(builtInRules, id)) fail(`@id("${id}") is reserved`);
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) fail(`policy ${id} has an unknown annotation @${unknown}`);
  if (policy.effect === "forbid" && (rule ?? "").trim() === "") fail(`forbid policy ${id} has no @rule`);
  return {
    id,
    effect: policy.effect,
    rule: rule ?? id,
    needs: needs === undefined ? [] : needs.split(",").map((name) => name.trim()),
    reads: readsOf(policy),
    text,
    policy,
    scope: { ...policy, conditions: [], annotations: {} },
  };
}

function readsOf(policy: PolicyJson): Rule["reads"] {
  const { has, values, whole } = attributesOf(policy.conditions);
  return whole ? "all" : new Set([...has, ...values]);
}

function fail(message: string): never {
  throw new AffiantError("ERR_INPUT_POLICY", message);
}
