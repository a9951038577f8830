import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import type { EscrowWorld } from "./escrowWorld.ts";

/** What became of an attack or an accident. */
export interface Outcome {
  readonly holds: boolean;
  /** What was seen, as the chain and the members say. */
  readonly detail: string;
}

export interface Scenario {
  readonly name: string;
  readonly run: (world: EscrowWorld) => Promise<Outcome>;
}

export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error: unknown) => (isAffiantError(error) ? error.code : String(error)),
  );
}
