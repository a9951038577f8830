import type { Ipld } from "../../../protocol/ucan/ipld.ts";

/** A right that an agent of the shop grants to another one. */
export interface Grant {
  /** Name of the agent that may use it. */
  readonly to: string;
  readonly command: string;
  /** What the arguments must satisfy, in the policy language of UCAN 1.0. */
  readonly policy: readonly Ipld[];
}

/** `/payment/charge` → `payment.charge`: names the contract's file. */
export function nameOfGrant(command: string): string {
  return command.slice(1).replaceAll("/", ".");
}
