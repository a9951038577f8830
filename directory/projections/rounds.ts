import { ordinal, type Projection, textOf, update } from "./projection.ts";

/** Rounds of attestation by number, how often an account of the service let one lapse, and the schedule in force. */
export const rounds: Projection = {
  name: "rounds",
  version: 1,
  on: {
    "attestationRegistry.RoundOpened": ({ args, blockNumber }) => {
      const { openedBy = "", secretCommitment = "", size = 0, drawBlock = 0, drawUntil = 0 } = args;
      const row = { openedAtBlock: blockNumber, openedBy, secretCommitment, size, drawBlock, drawUntil };
      return [{ key: `round/${ordinal(args["round"])}`, to: () => ({ ...row, phase: "opened" }) }];
    },
    "attestationRegistry.RoundDrawn": ({ args, blockNumber }) => {
      const { seed = "", silentFrom = 0, recordUntil = 0 } = args;
      const drawn = { phase: "drawn", drawnAtBlock: blockNumber, seed, silentFrom, recordUntil };
      return [update(`round/${ordinal(args["round"])}`, (row) => ({ ...row, ...drawn }))];
    },
    "attestationRegistry.RoundVoided": ({ args }) => {
      const { openedBy, voidCount = 0 } = args;
      return [
        update(`round/${ordinal(args["round"])}`, (row) => ({ ...row, phase: "void" })),
        { key: `service/${textOf(openedBy)}`, to: () => ({ voidCount }) },
      ];
    },
    "attestationRegistry.RoundClosed": ({ args }) => [
      update(`round/${ordinal(args["round"])}`, (row) => ({ ...row, phase: "closed", settled: args["settled"] ?? 0 })),
    ],
    "attestationRegistry.ScheduleSet": ({ args, blockNumber }) => [
      { key: "schedule", to: () => ({ schedule: args["schedule"] ?? {}, sinceBlock: blockNumber }) },
    ],
  },
};
