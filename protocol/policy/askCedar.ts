import { isAuthorized, type PolicyJson, statefulIsAuthorized } from "./cedar.ts";
import type { CompiledPolicy } from "./compile.ts";
import { cedarWords } from "./contextSchema.ts";
import type { ActFacts } from "./facts.ts";

/** What Cedar is asked about one act. */
export interface CedarQuestion {
  readonly agentDid: string;
  readonly act: string;
  readonly context: ActFacts["context"];
}

export interface CedarJudgement {
  readonly satisfied: ReadonlySet<string>;
  /** Rule → Cedar's words why it could not be evaluated. */
  readonly errors: ReadonlyMap<string, string>;
  /** Why Cedar judged nothing at all. */
  readonly refused?: string;
}

/** Asks one of the sets that were parsed when the bundle was compiled. */
export function askSet(
  policy: CompiledPolicy,
  set: keyof Omit<CompiledPolicy["cedar"], "schema">,
  question: CedarQuestion,
): CedarJudgement {
  return judgementOf(() =>
    statefulIsAuthorized({
      ...requestOf(question),
      preparsedSchemaName: policy.cedar.schema,
      preparsedPolicySetId: policy.cedar[set],
      validateRequest: true,
    }),
  );
}

/** Asks policies that were made for this one question; all of one effect, or Cedar names only those that win. */
export function askPolicies(policies: Readonly<Record<string, PolicyJson>>, question: CedarQuestion): CedarJudgement {
  return judgementOf(() => isAuthorized({ ...requestOf(question), policies: { staticPolicies: policies } }));
}

function requestOf({ agentDid, act, context }: CedarQuestion) {
  return {
    principal: { type: "Agent", id: agentDid },
    action: { type: "Action", id: act },
    resource: { type: "System", id: agentDid },
    context: { ...context },
    entities: [],
  };
}

function judgementOf(ask: () => ReturnType<typeof isAuthorized>): CedarJudgement {
  let answer: ReturnType<typeof isAuthorized>;
  try {
    answer = ask();
  } catch (error) {
    // Its WebAssembly throws for text that it cannot read. That is no judgement either.
    return refusal(error instanceof Error ? error.message : String(error));
  }
  if (answer.type === "failure") return refusal(cedarWords(answer.errors));
  // Sets hold one effect each, so `reason` names every satisfied policy, not only those that won.
  const { reason, errors } = answer.response.diagnostics;
  return {
    satisfied: new Set(reason),
    errors: new Map(errors.map(({ policyId, error }) => [policyId, cedarWords([error])])),
  };
}

function refusal(refused: string): CedarJudgement {
  return { satisfied: new Set(), errors: new Map(), refused };
}
