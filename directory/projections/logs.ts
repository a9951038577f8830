import { numberOf, ordinal, type Projection, set, textOf, update, without, zeroAddress } from "./projection.ts";

/** Transparency logs by id: the newest anchor and who may sign for them now; every anchor, and who operated since when. */
export const logs: Projection = {
  name: "logs",
  version: 1,
  on: {
    "logAnchor.LogRegistered": ({ args, blockNumber }) => {
      const { operator = "", noteKey = "", origin = "" } = args;
      const logId = textOf(args["logId"]);
      return [
        set(logId, { operator, noteKey, origin, registeredAtBlock: blockNumber, size: 0, operatorCount: 1 }),
        set(`${logId}/operator/${ordinal(0)}`, { operator, sinceBlock: blockNumber }),
        set(`${logId}/noteKey/${ordinal(blockNumber)}`, { noteKey, sinceBlock: blockNumber }),
      ];
    },
    "logAnchor.Anchored": ({ args, blockNumber }) => {
      const { size = 0, root = "" } = args;
      const logId = textOf(args["logId"]);
      return [
        update(logId, (row) => ({ ...row, size, root, anchoredAtBlock: blockNumber })),
        set(`${logId}/anchor/${ordinal(size)}`, { size, root, blockNumber }),
      ];
    },
    "logAnchor.AnchorKept": ({ args }) => [
      update(`${textOf(args["logId"])}/anchor/${ordinal(args["size"])}`, (row) => ({
        ...row,
        keptAs: args["index"] ?? 0,
      })),
    ],
    "logAnchor.OperatorOffered": ({ args }) => [
      update(textOf(args["logId"]), (row) => {
        const offeredTo = textOf(args["offeredTo"]);
        return { ...without(row, "offeredTo"), ...(offeredTo === zeroAddress ? {} : { offeredTo }) };
      }),
    ],
    "logAnchor.OperatorChanged": ({ args, blockNumber, logIndex }) => {
      const { operator = "" } = args;
      const logId = textOf(args["logId"]);
      return [
        update(logId, (row) => ({
          ...without(row, "offeredTo"),
          operator,
          operatorCount: numberOf(row["operatorCount"]) + 1,
        })),
        set(`${logId}/operator/${ordinal(blockNumber)}.${ordinal(logIndex)}`, { operator, sinceBlock: blockNumber }),
      ];
    },
    "logAnchor.NoteKeyChanged": ({ args, blockNumber }) => {
      const { noteKey = "" } = args;
      const logId = textOf(args["logId"]);
      return [
        update(logId, (row) => ({ ...row, noteKey })),
        set(`${logId}/noteKey/${ordinal(blockNumber)}`, { noteKey, sinceBlock: blockNumber }),
      ];
    },
  },
};
