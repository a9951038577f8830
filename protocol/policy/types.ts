import type { Json } from "../json/canonical.ts";

/**
 * What an agent commits to before it acts. `policyHash = SHA-256(JCS(bundle))`.
 *
 * An act is turned into a Cedar request `principal = Agent::"<did>"`, `action = Action::"<act>"`,
 * `resource = System::"<did>"`, with a context that holds what `facts` derive from the act's input, its output and the
 * acts before it in the same thread. `forbid` policies are the rules.
 */
export interface PolicyBundle {
  readonly format: "affiant-policy/1";
  /** Short name for people, e.g. `airline-support`. */
  readonly name: string;
  readonly description: string;
  /** Cedar schema, human-readable syntax. Policies must pass Cedar's strict validation against it. */
  readonly schema: string;
  /**
   * Cedar policies. Each has `@id` (stable rule id); each `forbid` also `@rule` (the rule in words) and may have
   * `@needs("a,b")`: names of context attributes without which the rule cannot be decided for an act.
   */
  readonly policies: string;
  /**
   * Context attribute → JSONata expression over `{ act, seq, input, output, context, thread, before: [{ act, seq, … }] }`.
   * An expression that yields nothing or null leaves its attribute out of the context.
   */
  readonly facts: Readonly<Record<string, string>>;
  /**
   * JSONata expression over `{ act, seq, input, output, context, thread }` of one act that names what it belongs to: an
   * order, a conversation. Acts of one name are one thread, and `before` holds the earlier ones. Without it an agent decides
   * by itself what belongs together, and no rule that looks at `before` can be called kept. Absent is not the same as "".
   */
  readonly thread?: string;
  /** Acts that a gate lets through although some rule cannot be decided before they are done. */
  readonly letThroughInDoubt?: readonly string[];
  /** Rules of the prose policy that no log of acts can decide, listed so that nobody thinks they were checked. */
  readonly undecidable: readonly { readonly rule: string; readonly why: string }[];
}

/** One act as the evaluator sees it. */
export interface PolicyAct {
  readonly act: string;
  readonly seq: number;
  readonly input?: Json;
  readonly output?: Json;
  readonly context?: Json;
  /** What the agent itself says it belongs to. */
  readonly thread?: string;
  /**
   * True when every digest in the entry came with its disclosure: a value that is absent here was then never recorded.
   * Otherwise an absent value counts as withheld, and a rule whose facts look at it is undecidable, never kept.
   */
  readonly allDisclosed?: boolean;
}

/** The agent's earlier acts in the thread of an act, oldest first, and how far that list can be relied on. */
export interface Before {
  readonly acts: readonly PolicyAct[];
  /** Why acts may be missing here, or be here wrongly: facts that look at them are unknown. */
  readonly unknown?: string;
  /**
   * Why this list is the agent's own word. It may stand against the agent, so a rule can be violated by it; but no rule that
   * looks at it can be called kept.
   */
  readonly claimed?: string;
}

/** What one rule says of one act. */
export interface RuleFinding {
  readonly ruleId: string;
  readonly rule: string;
  readonly outcome: "violated" | "undecidable";
  /** Why it is undecidable, or the facts on which it was violated. */
  readonly detail: string;
}

export interface ActConformity {
  readonly outcome: "conforms" | "violates" | "undecidable";
  /** All rules that did not simply hold. `violates` if any is violated, else `undecidable` if any is undecidable. */
  readonly findings: readonly RuleFinding[];
}

/** Rule ids that the evaluator itself reports; no policy may take one as its `@id`. */
export const builtInRules = {
  "unknown-act": "The policy declares no act of this name",
  "not-permitted": "The policy permits the act only under conditions that were not met",
  "refusal-not-shown": "What is called a refusal shows that nothing was done",
} as const;
