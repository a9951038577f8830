import type { Json } from "../../protocol/json/canonical.ts";
import { type CompiledPolicy, compilePolicy } from "../../protocol/policy/compile.ts";
import { evaluateAct } from "../../protocol/policy/evaluate.ts";
import { ActHistory } from "../../protocol/policy/history.ts";
import type { PolicyAct, PolicyBundle, RuleFinding } from "../../protocol/policy/types.ts";
import type { ActGate } from "./actLedger.ts";

/**
 * Refuses what the policy forbids, and what it cannot decide unless the policy names the act as one that is let through all the
 * same (`letThroughInDoubt`). The policy is asked for at each act: it may have been replaced meanwhile.
 */
export function actPolicyGate(bundleInForce: () => Promise<PolicyBundle>, agentDid: string): ActGate {
  const compiled = new WeakMap<PolicyBundle, CompiledPolicy>();
  return async ({ act: name, input, index, thread, context }, before) => {
    const bundle = await bundleInForce();
    const policy = compiled.get(bundle) ?? compilePolicy(bundle);
    compiled.set(bundle, policy);
    const act: PolicyAct = { act: name, seq: index, input, context: context as Json, thread };
    const history = new ActHistory();
    for (const earlier of before) history.add({ ...earlier, thread });
    const { findings } = await evaluateAct(policy, agentDid, act, await history.before(policy, act));
    const violated = findings.find(({ outcome }) => outcome === "violated");
    if (violated) return { code: "ERR_AUTH_POLICY", detail: inWords(violated) };
    const [open] = findings;
    if (open === undefined || bundle.letThroughInDoubt?.includes(name)) return undefined;
    return { code: "ERR_AUTH_POLICY", detail: `it cannot be decided whether this is kept: ${inWords(open)}` };
  };
}

function inWords({ rule, ruleId, detail }: RuleFinding): string {
  return `${rule} (${ruleId}; ${detail})`;
}
