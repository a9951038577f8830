/** One measured figure, beside the same figure of a peer if there is one. */
export interface BenchRow {
  readonly name: string;
  /** Null: not compared with another build, since none was named (`--against FOLDER`). */
  readonly value: number | null;
  /** Such as `gas`, `s`, `entries/s`, `bytes`. */
  readonly unit: string;
  readonly target?: number;
  readonly peer?: {
    readonly name: string;
    readonly value: number;
    /** `run`: measured in this run, on this machine. `published`: taken from a document, not measured here. */
    readonly source: "run" | "published";
  };
}

/** What a bench gives back. `scripts/bench/main.ts` prints it: as a table, or with `--json` as one JSON object. */
export interface BenchReport {
  readonly rows: readonly BenchRow[];
  /** What a reader must know to repeat or to judge the figures. */
  readonly notes?: readonly string[];
}

/** A module `scripts/bench/<name>.ts` exports one as `bench`; it gets the arguments after the name, without `--json`. */
export type Bench = (args: readonly string[]) => Promise<BenchReport>;
