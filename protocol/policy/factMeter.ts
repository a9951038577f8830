/** A fact that used up what one act may cost. The same act gives the same answer on every machine: no clock is asked. */
export class FactLimitError extends Error {}

/**
 * `steps`: JSONata nodes evaluated for all facts of one act together, plus one for each 256 values a node hands on, so
 * that built-ins that walk a large value pay for it. `valueWeight`: JSON values (and 32-character pieces of strings)
 * inside of one result, counted as often as they are reached, which also stops values that share parts exponentially.
 */
export const factLimits = { steps: 250_000, depth: 256, listLength: 20_000, valueWeight: 4_000_000 } as const;

/** Counts what the facts of one act cost. */
export class FactMeter {
  #steps = 0;
  readonly #weights = new WeakMap<object, number>();

  /** Called for each node that JSONata has evaluated. */
  charge(result: unknown): void {
    const weight = this.#weightOf(result, 0);
    this.#steps += 1 + Math.floor(weight / 256);
    if (this.#steps > factLimits.steps) {
      throw new FactLimitError(`the facts of one act may take ${factLimits.steps} steps`);
    }
  }

  /** Tells the weight of an object that must not be walked, as the values that it stands for. */
  know(value: object, parts: readonly unknown[]): void {
    this.#weights.set(
      value,
      parts.reduce<number>((sum, part) => sum + this.#weightOf(part, 0), 1),
    );
  }

  #weightOf(value: unknown, depth: number): number {
    if (typeof value === "string") return 1 + (value.length >> 5);
    if (typeof value !== "object" || value === null) return 1;
    const known = this.#weights.get(value);
    if (known !== undefined) return known;
    if (depth > factLimits.depth) throw new FactLimitError(`a value is nested deeper than ${factLimits.depth}`);
    if (isFunctionValue(value)) return 1;
    let weight = 1;
    for (const item of Array.isArray(value) ? value : Object.values(value)) {
      weight += this.#weightOf(item, depth + 1);
      if (weight > factLimits.valueWeight) {
        throw new FactLimitError(`a value holds more than ${factLimits.valueWeight} values`);
      }
    }
    this.#weights.set(value, weight);
    return weight;
  }
}

/** JSONata's lambdas carry their environment, which leads round in a circle. */
function isFunctionValue(value: object): boolean {
  return Object.hasOwn(value, "_jsonata_lambda") || Object.hasOwn(value, "_jsonata_function");
}
