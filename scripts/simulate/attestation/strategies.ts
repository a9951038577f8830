import type { AttestationResult } from "../../../protocol/attestation/types.ts";

/** What colluding agents do. They run changed programs themselves, and know each other. */
export interface Strategy {
  readonly name: string;
  /** What they say of honest targets, from the panel's own seats and from seats that are called later; none = silence. */
  readonly ofHonest: AttestationResult;
  readonly ofHonestLater: AttestationResult;
  /** What they say of honest agents in quarantine, and of their own. */
  readonly freshOfHonest: AttestationResult;
  readonly freshOfOwn: AttestationResult;
  /** Their targets answer none but their own. */
  readonly dodges: boolean;
  /** Their verdicts are on chain before those of honest verifiers, in each stretch; else after. */
  readonly first: boolean;
  /** They send FAIL of honest targets once their seats are closed (and whatever they were to say before, not). */
  readonly late: boolean;
  /** The service is theirs: honest verifiers get no tasks about colluders, and the service passes those. */
  readonly starves: boolean;
}

const truthful: Strategy = {
  name: "pass each other",
  ofHonest: "pass",
  ofHonestLater: "pass",
  freshOfHonest: "pass",
  freshOfOwn: "pass",
  dodges: false,
  first: true,
  late: false,
  starves: false,
};

const lie = { ofHonest: "fail", ofHonestLater: "fail", freshOfHonest: "fail" } as const;
const silence = { ofHonest: "none", ofHonestLater: "none", freshOfHonest: "none" } as const;
const timeouts = { ofHonest: "timeout", ofHonestLater: "timeout", freshOfHonest: "timeout" } as const;

/** The best that is known, each with what it is after. */
export const known: readonly Strategy[] = [
  truthful,
  { ...truthful, ...lie, name: "FAIL every honest target" },
  { ...truthful, ...silence, late: true, first: false, name: "FAIL when seats are closed" },
  { ...truthful, ...silence, freshOfHonest: "fail", name: "be silent about honest targets" },
  { ...truthful, ...timeouts, name: "TIMEOUT every honest target, first" },
  { ...truthful, dodges: true, name: "answer nobody but friends" },
  { ...truthful, ...silence, ofHonestLater: "fail", freshOfHonest: "fail", name: "FAIL from seats called later" },
  { ...truthful, ...timeouts, dodges: true, starves: true, name: "with the service: no tasks for honest verifiers" },
];

/** Any of the strategies that can be written down so, by a number from 0 to 1 each time it is asked. */
export function anyStrategy(random: () => number): Strategy {
  const one = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
  const results = ["none", "pass", "fail", "timeout"] as const;
  return {
    name: "searched",
    ofHonest: one(results),
    ofHonestLater: one(results),
    freshOfHonest: one(["none", "fail", "timeout"] as const),
    freshOfOwn: one(["none", "pass", "timeout"] as const),
    dodges: one([true, false]),
    first: one([true, false]),
    late: one([true, false]),
    starves: false,
  };
}
