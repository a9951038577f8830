import type { StateFile } from "./stateFile.ts";

/** One identity that held the place of an agent of the pipeline. A convicted one is followed by the next, with new keys. */
export interface Incumbent {
  /** Name in the descriptor. */
  readonly agent: string;
  /** Counts from 1. */
  readonly generation: number;
  /** Name of its folder below `agents/`: `payment`, then `payment-2`. */
  readonly folder: string;
  readonly site: string;
  /** SHA-256 over program and policy as they were when it was wrapped: what a replacement has to be, too. */
  readonly release: string;
  /** Counts the versions that were wrapped under this identity, from 1. */
  readonly version: number;
  readonly state: "wanted" | "wrapped" | "attested" | "isolated" | "convicted" | "retired";
  readonly did?: string;
  readonly address?: string;
  /** Block of the first quarantine that ended in a conviction. */
  readonly quarantinedAtBlock?: number;
  readonly convictedAtBlock?: number;
  /** What its process said when it was last ready. */
  readonly policy?: {
    readonly name: string;
    readonly policyHash: string;
    readonly version: number;
    readonly sinceBlock: number;
  };
}

/** The orchestrator's records, by what they are. */
export class Records {
  readonly file: StateFile;

  constructor(file: StateFile) {
    this.file = file;
  }

  /** The one that holds the place now. */
  incumbent(agent: string): Incumbent | undefined {
    return this.history().findLast((one) => one.agent === agent);
  }

  /** Everyone who ever held a place, agents in alphabetical order, the oldest first. */
  history(): readonly Incumbent[] {
    return this.file.all<Incumbent>("incumbent").map(([, value]) => value);
  }

  keep(incumbent: Incumbent): Incumbent {
    const { agent, generation } = incumbent;
    this.file.put("incumbent", `${agent} ${String(generation).padStart(4, "0")}`, incumbent);
    return incumbent;
  }

  change(incumbent: Incumbent, changes: Partial<Incumbent>): Incumbent {
    return this.keep({ ...incumbent, ...changes });
  }
}
