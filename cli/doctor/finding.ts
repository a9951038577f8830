/** One thing that the doctor looked at. */
export interface Finding {
  readonly what: string;
  /** `unknown`: it could not be looked at, which is no fault by itself. */
  readonly state: "well" | "wrong" | "unknown";
  readonly says: string;
  /** How it is mended. */
  readonly mend?: string;
}

export const well = (what: string, says: string): Finding => ({ what, state: "well", says });
export const unknown = (what: string, says: string): Finding => ({ what, state: "unknown", says });
export const wrong = (what: string, says: string, mend: string): Finding => ({ what, state: "wrong", says, mend });
