import { ordinal, type Projection, set, textOf } from "./projection.ts";

/** Proofs that a log stated two trees of which neither contains the other, by log and index: for good. */
export const equivocations: Projection = {
  name: "equivocations",
  version: 1,
  on: {
    "logAnchor.EquivocationReported": ({ args, blockNumber, transactionHash }) => [
      set(`${textOf(args["logId"])}/${ordinal(args["index"])}`, {
        reporter: args["reporter"] ?? "",
        blockNumber,
        transactionHash,
      }),
    ],
  },
};
