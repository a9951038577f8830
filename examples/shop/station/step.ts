import type { Json } from "../../../protocol/json/canonical.ts";

/** One decided step of one order. */
export interface Step {
  /** `<orderId>/<act>`: a step is done once. */
  readonly key: string;
  readonly orderId: string;
  readonly act: string;
  readonly kind: "act" | "refusal";
  readonly input: Json;
  /** What came of it; for a refusal {@link Refusal} in JSON. */
  readonly output: Json;
  /** Its entry in the log; null while it is not on record. */
  readonly entryId: string | null;
  /** The call under contract that asked for it; null for steps of the agent's own accord. */
  readonly call: StepCall | null;
}

/** What the entry of a step says of the call that asked for it. */
export interface StepCall {
  readonly context: Json;
  /** CID of the contract. */
  readonly ctr: string | null;
  /** When it was decided, Unix seconds. A crash may lie between that and the entry; the call's short life is over then. */
  readonly decidedAtSec: number;
}

/** Why something was not done. */
export interface Refusal {
  readonly reason: string;
  /** The rule of the agent's own policy that forbids it, if that is the reason. */
  readonly rule?: string;
}

/** What an agent would do about a request, before its policy was asked. */
export type Plan =
  | {
      readonly output: Json;
      /** Changes the agent's books. Runs in the transaction that stores the step, and only if the policy allows it. */
      readonly change?: () => void;
    }
  | { readonly refuse: string };

/** A kind of step that an agent can take, e.g. `payment.charge`. */
export interface Trade {
  readonly act: string;
  /** Looks at the request and the agent's books, and changes nothing. */
  readonly plan: (input: Json) => Plan | Promise<Plan>;
}

export function refusalOf(step: Step): Refusal | undefined {
  return step.kind === "refusal" ? (step.output as unknown as Refusal) : undefined;
}
