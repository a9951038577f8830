import { type Json } from "../../../protocol/json/canonical.ts";

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
  readonly plan: (input: Json) => Plan;
}

export function refusalOf(step: Step): Refusal | undefined {
  return step.kind === "refusal" ? (step.output as unknown as Refusal) : undefined;
}
