import type { EthrDid } from "../../../protocol/did/ethr.ts";
import type { CompiledPolicy } from "../../../protocol/policy/compile.ts";
import { evaluateAct } from "../../../protocol/policy/evaluate.ts";
import type { PolicyAct } from "../../../protocol/policy/types.ts";
import type { Refusal, Step } from "./step.ts";

/**
 * Asks the policy that the agent committed to about a step it is going to take. The same rules, facts and evaluator
 * judge the entry later in the audit; an agent that asks first has nothing to fear from it. What cannot be decided is not
 * done either.
 *
 * @param before the agent's own steps for the same order, oldest first
 */
export async function refusalByPolicy(
  policy: CompiledPolicy,
  did: EthrDid,
  step: Omit<Step, "entryId">,
  before: readonly Step[],
): Promise<Refusal | undefined> {
  const acts = before.filter(({ kind }) => kind === "act").map(toPolicyAct);
  const { findings } = await evaluateAct(policy, did, toPolicyAct(step, acts.length), acts);
  const against = findings.find(({ outcome }) => outcome === "violated") ?? findings[0];
  return against && { reason: against.rule, rule: against.ruleId };
}

/** `seq` is only an order here: the entry, which will have a real one, is not signed yet. */
function toPolicyAct(step: Omit<Step, "entryId">, seq: number): PolicyAct {
  return { act: step.act, seq, input: step.input, output: step.output, allDisclosed: true };
}
