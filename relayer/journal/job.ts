/**
 * accepted → simulated → signed → broadcast → mined → final. `signed` means: a nonce is claimed and the signed bytes
 * are stored. A reorg takes a mined job back to `broadcast`. `failed` is for good.
 */
export const jobStates = ["accepted", "simulated", "signed", "broadcast", "mined", "final", "failed"] as const;
export type JobState = (typeof jobStates)[number];

/** `noop` jobs fill a nonce whose transaction can never be mined. */
export type JobKind = "request" | "anchor" | "register-log" | "noop";

/** One thing to be done on chain, once. */
export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  /** The agent a sponsored request is for, lower-case address; null for the relayer's own jobs. */
  readonly agent: string | null;
  readonly target: string;
  readonly data: Uint8Array;
  readonly state: JobState;
  /** Address of the sender key that carries it; null: any lane may take it. */
  readonly lane: string | null;
  readonly nonce: number | null;
  readonly gasLimit: number | null;
  /** The head when it was last run without being sent. */
  readonly simulatedAtBlock: number | null;
  /** The attempt that was mined. */
  readonly txHash: string | null;
  readonly blockNumber: number | null;
  readonly blockHash: string | null;
  readonly gasUsed: number | null;
  readonly feeWei: string | null;
  /** A problem document (JSON) once the job failed. */
  readonly error: string | null;
  readonly acceptedAtMs: number;
}

export interface NewJob {
  readonly id: string;
  /** Two jobs of one key are one job. */
  readonly dedupeKey: string;
  readonly kind: JobKind;
  readonly agent: string | null;
  readonly target: string;
  readonly data: Uint8Array;
  /** The only lane that may carry it: anchors belong to the log's operator. Null: any. */
  readonly lane: string | null;
}

/** A run of the call that succeeded and spent nothing. */
export interface Simulation {
  readonly gasLimit: number;
  readonly blockNumber: number;
}

/** A sponsored request that was run already, under the key that its client gave it. */
export interface NewRequest {
  readonly job: NewJob;
  readonly idempotencyKey: string;
  readonly simulation: Simulation;
  /** The same call may be carried again once it is through: nothing in it is used up. */
  readonly repeatable?: boolean;
  /** Secret of the ticket with which a newcomer comes. */
  readonly ticket?: string | undefined;
  /** False for calls that the contract's state decides alone: they begin nothing for anybody. Default true. */
  readonly needsAdmission?: boolean;
}

/** States in which a job makes room for another one of the same call. */
export function makesRoom(state: JobState, repeatable: boolean): boolean {
  return state === "failed" || (repeatable && (state === "mined" || state === "final"));
}

/** A signed transaction: an attempt at a job's nonce. */
export interface Attempt {
  readonly hash: string;
  readonly jobId: string;
  readonly lane: string;
  readonly nonce: number;
  /** `0x…`, RLP. */
  readonly raw: string;
  readonly maxFeeWei: bigint;
  readonly priorityFeeWei: bigint;
  readonly signedAtMs: number;
  /** Head when it was last handed to a node; null before the first time. */
  readonly sentAtBlock: number | null;
}

/** An attempt that is not stored yet. */
export type NewAttempt = Omit<Attempt, "sentAtBlock" | "signedAtMs">;

/** Where a mined transaction stands. */
export interface Mined {
  readonly txHash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly gasUsed: number;
  readonly feeWei: bigint;
}
