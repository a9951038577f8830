import { unpackRecord } from "../../protocol/attestation/record.ts";
import type { ChainEvent } from "../events/event.ts";
import { type Change, numberOf, ordinal, type Projection, type Row, textOf } from "./projection.ts";

/** Records that end an agent's word for others: those it alone vouched for since it was last verified are suspect. */
const verified = new Set(["introduced", "passed", "acquitted"]);

/**
 * How agents stand, as their records say. By agent the last record and what it takes to say whether it is trusted at a block
 * (`trust.ts`); by `enrolment/…` whose it is; by `record/…` the history.
 */
export const attestation: Projection = {
  name: "attestation",
  version: 1,
  on: {
    "attestationRegistry.AgentEnrolled": ({ args, blockNumber }) => {
      const { enrolment = 0, version = 0, commitment = "", operator = "", tier = 0 } = args;
      const agent = textOf(args["agent"]);
      return [
        {
          key: `agent/${agent}`,
          to: (row = {}) => ({
            ...row,
            ...{ agent, enrolment, version, commitment, operator, tier },
            enrolments: [...((row["enrolments"] ?? []) as readonly Enrolment[]), { id: enrolment, blockNumber }],
          }),
        },
        {
          key: `enrolment/${ordinal(enrolment)}`,
          to: () => ({ agent, blockNumber, commitment, operator, tier, version }),
        },
      ];
    },
    "attestationRegistry.AttestationRecorded": recorded,
    "attestationRegistry.VerdictsHeard": ({ args }) => [
      { key: "head", to: () => ({ rotHead: args["rotHead"] ?? "" }) },
    ],
    "attestationRegistry.VerifierStruck": ({ args }) => [
      {
        key: `agent/${textOf(args["verifier"])}`,
        to: (row) => row && { ...row, strikesAsVerifier: args["strikes"] ?? 0 },
      },
    ],
    "attestationRegistry.RosterJoined": ({ args }) => [
      { key: `agent/${textOf(args["agent"])}`, to: (row) => row && { ...row, inRoster: true } },
    ],
    "attestationRegistry.RosterLeft": ({ args }) => [
      { key: `agent/${textOf(args["agent"])}`, to: (row) => row && { ...row, inRoster: false } },
    ],
  },
};

function recorded({ args, blockNumber }: ChainEvent): readonly Change[] {
  const agent = textOf(args["agent"]);
  const record = unpackRecord(BigInt(textOf(args["record"])));
  const index = numberOf(args["recordIndex"]);
  const { kind, status, expiresAtBlock, round, passes, fails, timeouts, voucher, enrolment } = record;
  const summary: Row = { enrolment, expiresAtBlock, fails, kind, passes, round, status, timeouts, voucher };
  return [
    { key: "head", to: () => ({ recordCount: index, rotHead: args["rotHead"] ?? "" }) },
    {
      key: `record/${ordinal(index)}`,
      to: () => ({ ...summary, agent, blockNumber, verdicts: args["verdicts"] ?? [] }),
    },
    {
      key: `agent/${agent}`,
      to: (row = {}) => ({
        ...row,
        ...summary,
        agent,
        recordIndex: index,
        sinceBlock: blockNumber,
        statusBefore: row["status"] ?? "none",
        // A strike leaves trust and voucher as they are: the verification is in a record before it.
        ...(kind === "struck" ? {} : { vouchedAtBlock: blockNumber }),
        ...(verified.has(kind) && status === "trusted" ? { passedAtBlock: blockNumber } : {}),
        ...(isDoubt(row, kind) ? { doubts: doubtsAfter(row, blockNumber) } : {}),
      }),
    },
  ];
}

/** When `AttestationStore._doubt` runs: on a conviction, and when an agent stays in quarantine, or leaves it by no verdict. */
function isDoubt(row: Row, kind: string): boolean {
  const wasQuarantined = row["status"] === "quarantined";
  if (kind === "undecided") return row["statusBefore"] === "quarantined";
  return kind === "convicted" || (wasQuarantined && leavesUnjudged.has(kind));
}
const leavesUnjudged = new Set(["enrolled", "retired", "withdrawn", "struck", "silenced"]);

interface Enrolment extends Row {
  readonly id: number;
  readonly blockNumber: number;
}

/** Of an enrolment: what its agent vouched for between these blocks, both included, is in doubt. */
export interface Doubt extends Row {
  readonly enrolment: number;
  readonly fromBlock: number;
  readonly untilBlock: number;
}

/** What `_doubt` writes: for the version of now and those before, down to the one that was verified last. */
function doubtsAfter(row: Row, blockNumber: number): readonly Doubt[] {
  const fromBlock = numberOf(row["passedAtBlock"] ?? 0);
  const doubts = [...((row["doubts"] ?? []) as readonly Doubt[])];
  const enrolments = ((row["enrolments"] ?? []) as readonly Enrolment[]).filter(
    ({ id }) => id <= Number(row["enrolment"]),
  );
  for (const { id, blockNumber: enrolledAt } of enrolments.toReversed()) {
    const last = doubts.findLast(({ enrolment }) => enrolment === id);
    // Not verified since, it vouched for nobody new.
    if (!last || fromBlock >= last.untilBlock) doubts.push({ enrolment: id, fromBlock, untilBlock: blockNumber });
    if (enrolledAt <= fromBlock) break;
  }
  return doubts;
}
