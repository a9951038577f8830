/** One operation, measured on a fresh in-memory chain: the receipt's gasUsed of the whole transaction. */
export interface GasRow {
  /** Stable: the key in `snapshots/gas.json`. */
  readonly name: string;
  readonly gas: number;
  /** What the issue or design asks for, if it asks. */
  readonly target?: number;
  /** Gas by which it differs from run to run, because a draw does. */
  readonly noise?: number;
}

/** A module `scripts/bench/gas/<topic>.ts` exports one as `measure`. The same code must give the same figures. */
export type MeasureGas = () => Promise<readonly GasRow[]>;
