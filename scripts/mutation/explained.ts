import type { Mutant } from "./mutants/mutant.ts";

/** A survivor that nobody need test away, and why. */
export interface Explanation {
  readonly place: string;
  readonly change: string;
}

/** The survivors that `docs/mutation.md` explains: items of the form "- `place`: `change`", with the reason below. */
export function readExplanations(markdown: string): readonly Explanation[] {
  const items = markdown.matchAll(/^- `([^`]+)`: `([^`]*⟦[^`]*⟧[^`]*)`$/gm);
  return [...items].map(([, place = "", change = ""]) => ({ place, change }));
}

export function isExplained({ place, change }: Mutant, explanations: readonly Explanation[]): boolean {
  return explanations.some((known) => known.place === place && known.change === change);
}

/** Explanations of what is no longer there. @param mutants every one there is of the contracts in question */
export function staleExplanations(
  explanations: readonly Explanation[],
  mutants: readonly Mutant[],
): readonly Explanation[] {
  const contracts = new Set(mutants.map(({ place }) => place.split(".")[0]));
  const ofThese = explanations.filter(({ place }) => contracts.has(place.split(".")[0]));
  return ofThese.filter((known) => !mutants.some((mutant) => isExplained(mutant, [known])));
}
