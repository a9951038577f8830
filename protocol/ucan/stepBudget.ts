import { AffiantError } from "../errors/affiantError.ts";

/**
 * Most work that one call may ask of whoever judges it, over everything in it: each data item of its tokens, each step of
 * each selector, each value looked at, for every link of the chain. A step takes about a microsecond, so a whole budget
 * stays below two hundred checks of an Ed25519 signature; an honest call takes a few hundred steps. Guards and auditors
 * count alike, so that they come to the same answer.
 */
export const maxCallSteps = 16_000;

/** Characters or bytes that are looked at for one step: they are compared in bulk. */
const unitsAStep = 8;

/** Counts down what one call may still cost. */
export class StepBudget {
  #left: number;

  constructor(steps = maxCallSteps) {
    this.#left = steps;
  }

  /** @throws AffiantError ERR_LIMIT_CALL_WORK once it is spent */
  spend(steps = 1): void {
    this.#left -= steps;
    if (this.#left < 0) {
      throw new AffiantError("ERR_LIMIT_CALL_WORK", "the call and its contracts ask for more work than a call may");
    }
  }

  /** For looking at so many characters or bytes. */
  spendOnLength(length: number): void {
    this.spend(1 + Math.floor(length / unitsAStep));
  }
}
