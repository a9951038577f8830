/** A fact that used up what one act may cost. The same act gives the same answer on every machine: no clock is asked. */
export class FactLimitError extends Error {}

/**
 * `steps`: JSONata nodes evaluated for the facts of one act, plus one for each 256 values that a node hands on, so that
 * built-ins that walk a large value pay for it; a step of a path that only leads on costs one whatever it passes. Each
 * fact has its share, at least `stepsPerFact`: what an agent writes into one argument cannot use up what another fact
 * needs. Each earlier act in the thread adds `stepsPerEarlierAct`, shared in the same way.
 * `valueWeight`: JSON values (and 32-character pieces of strings) inside of one result, counted as often as they are
 * reached, which also stops values that share their parts exponentially. `depth`: of calls, and of values.
 */
export const factLimits = {
  steps: 250_000,
  stepsPerFact: 20_000,
  stepsPerEarlierAct: 500,
  stepsPerEarlierActAndFact: 100,
  depth: 256,
  listLength: 20_000,
  stringLength: 1 << 24,
  valueWeight: 4_000_000,
} as const;

interface Size {
  readonly weight: number;
  readonly height: number;
}

const leaf: Size = { weight: 1, height: 0 };

/** Sizes of values once seen. They depend on nothing but the value, so who asked first makes no difference. */
const sizes = new WeakMap<object, Size>();

/**
 * Tells the size of an object that must not be walked itself, by the values that it stands for. Where these are larger or
 * deeper than a fact may handle, the object is as large as may be: who only leads through it is not stopped.
 */
export function setSizeByParts(value: object, parts: readonly unknown[]): void {
  sizes.set(value, sizeWithin(parts) ?? { weight: factLimits.valueWeight, height: factLimits.depth });
}

/** Whether a value is nested deeper than facts may handle. */
export function isTooDeep(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  let level: object[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    const next: object[] = [];
    for (const item of level) {
      for (const child of Object.values(item) as unknown[]) {
        if (typeof child === "object" && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}

/** Counts what one fact costs. */
export class FactMeter {
  readonly #limit: number;
  #steps = 0;

  /** @param facts how many facts share what the act may cost */
  constructor(facts: number, earlierActs: number) {
    const share = (whole: number, least: number): number => Math.max(Math.floor(whole / Math.max(1, facts)), least);
    this.#limit =
      share(factLimits.steps, factLimits.stepsPerFact) +
      share(factLimits.stepsPerEarlierAct, factLimits.stepsPerEarlierActAndFact) * earlierActs;
  }

  /** Called for each node that JSONata has evaluated, with its result; without one for a node that only leads on. */
  charge(result?: unknown): void {
    this.#steps += 1 + Math.floor(sizeOf(result, 0).weight / 256);
    if (this.#steps > this.#limit) throw new FactLimitError(`a fact of this act may take ${this.#limit} steps`);
  }
}

function sizeWithin(parts: readonly unknown[]): Size | undefined {
  try {
    return sizeOfAll(parts, 0);
  } catch (error) {
    if (error instanceof FactLimitError) return undefined;
    throw error;
  }
}

function sizeOf(value: unknown, depth: number): Size {
  if (typeof value === "string") return sizeOfString(value);
  if (typeof value !== "object" || value === null || isFunctionValue(value)) return leaf;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  const size = sizeOfAll(Array.isArray(value) ? value : Object.values(value), depth);
  sizes.set(value, size);
  return size;
}

/** The limit comes before the engine's own, which is not the same everywhere. */
function sizeOfString(value: string): Size {
  if (value.length < 32) return leaf;
  if (value.length > factLimits.stringLength) {
    throw new FactLimitError(`a string is longer than ${factLimits.stringLength} characters`);
  }
  return { weight: 1 + (value.length >> 5), height: 0 };
}

function sizeOfAll(parts: readonly unknown[], depth: number): Size {
  if (depth > factLimits.depth) throw new FactLimitError(`a value is nested deeper than ${factLimits.depth}`);
  let weight = 1;
  let height = 0;
  for (const part of parts) {
    const size = sizeOf(part, depth + 1);
    weight += size.weight;
    height = Math.max(height, size.height + 1);
    if (weight > factLimits.valueWeight) {
      throw new FactLimitError(`a value holds more than ${factLimits.valueWeight} values`);
    }
    if (height > factLimits.depth) throw new FactLimitError(`a value is nested deeper than ${factLimits.depth}`);
  }
  return { weight, height };
}

/** JSONata's functions carry their environment, which leads round in a circle. */
function isFunctionValue(value: object): boolean {
  return Object.hasOwn(value, "_jsonata_lambda") || Object.hasOwn(value, "_jsonata_function");
}
