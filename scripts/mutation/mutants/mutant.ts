export type MutationKind =
  "comparison" | "arithmetic" | "logic" | "condition" | "statement" | "modifier" | "literal" | "assembly";

/** One small change of one source. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  /** What it stands in: `LogAnchor._advance`, or the contract alone. */
  readonly place: string;
  readonly kind: MutationKind;
  /** Its line, with what goes and what comes: `if (⟦size == 0 → true⟧) revert Nothing();`; nothing is `∅`. */
  readonly change: string;
  /** The mutated source. */
  readonly text: string;
}
