/** What a measurement rests on. */
export const assuranceTiers = ["software", "tpm", "tee"] as const;
export type AssuranceTier = (typeof assuranceTiers)[number];

/** What one verifier says. `none` is never a valid verdict. */
export const attestationResults = ["none", "pass", "fail", "timeout"] as const;
export type AttestationResult = (typeof attestationResults)[number];

/** How an agent stands; `IAttestationRegistry.sol` explains each. */
export const attestationStatuses = [
  "none",
  "enrolled",
  "trusted",
  "expired",
  "suspect",
  "quarantined",
  "silent",
  "convicted",
  "retired",
  "withdrawn",
] as const;
export type AttestationStatus = (typeof attestationStatuses)[number];

export const attestationRecordKinds = [
  "none",
  "enrolled",
  "introduced",
  "rejected",
  "passed",
  "struck",
  "silenced",
  "quarantined",
  "convicted",
  "acquitted",
  "undecided",
  "retired",
  "withdrawn",
] as const;
export type AttestationRecordKind = (typeof attestationRecordKinds)[number];

export const roundPhases = ["none", "opened", "drawn", "closed", "void"] as const;
export type RoundPhase = (typeof roundPhases)[number];

/** Verifiers a target has where the set is large enough, and fresh ones that judge an agent in quarantine. */
export const panelSeats = 3;
export const freshSeats = 5;
/** Most verifiers that are ever drawn for one target. */
export const maxCandidates = 16;

/** What a verifier's account signs, as ethers takes it with `attestationRegistryTypes.Verdict`. */
export interface VerdictMessage {
  /** 0 for an introduction, outside of the rounds. */
  readonly round: bigint;
  /** 32 bytes: the round's seed; for an introduction the number of records the target has, 0 where the service says PASS. */
  readonly seed: string;
  readonly target: string;
  /** The target's enrolment: a verdict does not outlive the version it is about. */
  readonly enrolment: bigint;
  readonly verifier: string;
  /** Index in `attestationResults`. */
  readonly result: number;
  /** How often the verifier asked. */
  readonly attempts: number;
  /** 32 bytes. */
  readonly evidenceHash: string;
}
