/** What runs: `pipeline.yaml` as it was read, paths absolute and everything that may be left out filled in. */
export interface Pipeline {
  readonly format: "affiant-pipeline/2";
  readonly name: string;
  /** Absolute path of the descriptor. */
  readonly file: string;
  readonly sites: readonly Site[];
  readonly latency: readonly Latency[];
  readonly defaultLatencyMs: number;
  readonly agents: readonly PipelineAgent[];
  readonly connectivity: readonly Connection[];
  readonly contracts: readonly ContractRule[];
  readonly groups: readonly Group[];
  readonly placement: PlacementRules;
  readonly attestation: AttestationRules;
  readonly restart: RestartRules;
}

/** Absent limits are no limits. */
export interface Site {
  readonly name: string;
  readonly memoryMb?: number;
  readonly cpuMillis?: number;
  readonly agents?: number;
}

export interface Latency {
  readonly between: readonly [string, string];
  readonly ms: number;
}

export type Risk = "minimal" | "limited" | "high";

export interface PipelineAgent {
  /** Unique in the pipeline; also the name of the agent's folder. */
  readonly name: string;
  /** What it is for, in a few words for people. */
  readonly role: string;
  /** Absolute path of the TypeScript or JavaScript file that its process runs. */
  readonly program: string;
  readonly args: readonly string[];
  /** It runs as one file, packages included, made when it is installed: starts and measurements are many times quicker. */
  readonly bundle: boolean;
  /** Absolute path of the folder of its policy bundle. */
  readonly policy: string;
  readonly operator: string;
  readonly risk: Risk;
  readonly capabilities: readonly string[];
  /** Sites it may run on; all of them if it names none. */
  readonly sites: readonly string[];
  readonly startAfter: readonly string[];
  readonly memoryMb: number;
  readonly cpuMillis: number;
}

export interface Connection {
  readonly from: string;
  readonly to: string;
  readonly weight: number;
  readonly maxLatencyMs?: number;
}

/** `from` lets `to` do `command`, if the arguments satisfy `policy` (UCAN 1.0). */
export interface ContractRule {
  readonly from: string;
  readonly to: string;
  readonly command: string;
  readonly policy: readonly (readonly unknown[])[];
}

export interface Group {
  readonly name: string;
  readonly members: readonly string[];
  readonly maxAgeBlocks: number;
  readonly graceBlocks: number;
}

export interface PlacementRules {
  readonly together: readonly (readonly string[])[];
  readonly apart: readonly (readonly string[])[];
}

export interface AttestationRules {
  readonly roundBlocks: number;
  readonly trustBlocks: number;
  /** Absolute paths. */
  readonly include: readonly string[];
}

export interface RestartRules {
  readonly maxRestarts: number;
  readonly delayMs: number;
  readonly stableAfterMs: number;
  readonly maxReplacements: number;
}
