import { type Explanation, isExplained } from "./explained.ts";
import type { MutantResult } from "./runMutants.ts";

/** What became of one contract's mutants. */
export interface Summary {
  readonly contract: string;
  /** How many there are, and how many of them were taken. */
  readonly mutants: number;
  readonly taken: number;
  readonly killed: number;
  readonly timedOut: number;
  readonly survived: number;
  /** Of those that survived. */
  readonly explained: number;
  readonly equivalent: number;
  readonly duplicate: number;
  readonly notCompiled: number;
  /** Killed or timed out, of those that behave in another way, in percent; undefined if there is none. */
  readonly score: number | undefined;
}

export function summarize(
  contract: string,
  mutants: number,
  results: readonly MutantResult[],
  explanations: readonly Explanation[],
): Summary {
  const count = (kind: MutantResult["outcome"]["kind"]): number =>
    results.filter(({ outcome }) => outcome.kind === kind).length;
  const [killed, timedOut, survived] = [count("killed"), count("timedOut"), count("survived")];
  const living = results.filter(({ outcome }) => outcome.kind === "survived");
  const tested = killed + timedOut + survived;
  return {
    contract,
    mutants,
    taken: results.length,
    killed,
    timedOut,
    survived,
    explained: living.filter(({ mutant }) => isExplained(mutant, explanations)).length,
    equivalent: count("equivalent"),
    duplicate: count("duplicate"),
    notCompiled: count("notCompiled"),
    score: tested === 0 ? undefined : Math.round((1000 * (killed + timedOut)) / tested) / 10,
  };
}

/** One line of progress. */
export function lineOf({ mutant, outcome }: MutantResult): string {
  const { file, line, place, change } = mutant;
  const became = {
    killed: "killed",
    survived: "SURVIVED",
    timedOut: "timed out",
    notCompiled: "does not compile",
    equivalent: "same code",
    duplicate: "same code as another",
  }[outcome.kind];
  const by = outcome.kind === "killed" ? `   (${outcome.by})` : "";
  return `${became.padEnd(16)} ${file}:${line} ${place}: ${change}${by}`;
}

/** A survivor as `docs/mutation.md` would explain it. */
export function survivorText({ mutant }: MutantResult): string {
  return `- \`${mutant.place}\`: \`${mutant.change}\``;
}
