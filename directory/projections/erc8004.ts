import { numberOf, ordinal, type Projection, set, textOf, update, zeroAddress } from "./projection.ts";

/** Identities of the ERC-8004 registry (`agent/…`), their metadata, and feedback as its authors gave it. */
export const erc8004: Projection = {
  name: "erc8004",
  version: 1,
  on: {
    "erc8004Identity.Registered": ({ args, blockNumber }) => [
      set(`agent/${whole(args["agentId"])}`, {
        agentUri: args["agentURI"] ?? "",
        owner: args["owner"] ?? "",
        registeredAtBlock: blockNumber,
      }),
    ],
    "erc8004Identity.URIUpdated": ({ args }) => [
      update(`agent/${whole(args["agentId"])}`, (row) => ({ ...row, agentUri: args["newURI"] ?? "" })),
    ],
    "erc8004Identity.Transfer": ({ args }) => {
      const key = `agent/${whole(args["tokenId"])}`;
      const owner = textOf(args["to"]);
      return [owner === zeroAddress ? { key, to: () => undefined } : set(key, { owner })];
    },
    "erc8004Identity.MetadataSet": ({ args, blockNumber }) => {
      const name = textOf(args["metadataKey"]);
      const place = Buffer.from(name, "utf8").toString("hex");
      const row = { name, value: args["metadataValue"] ?? "", sinceBlock: blockNumber };
      return [{ key: `metadata/${whole(args["agentId"])}/${place}`, to: () => row }];
    },
    "erc8004Reputation.NewFeedback": ({ args, blockNumber }) => {
      const { value = 0, valueDecimals = 0, tag1 = "", tag2 = "", endpoint = "", feedbackURI = "" } = args;
      const row = { value, valueDecimals, tag1, tag2, endpoint, feedbackUri: feedbackURI, blockNumber };
      return [
        { key: feedbackKey(args), to: () => ({ ...row, feedbackHash: args["feedbackHash"] ?? "", isRevoked: false }) },
        {
          key: `reputation/${whole(args["agentId"])}`,
          to: (counts = {}) => ({ ...counts, feedbackCount: numberOf(counts["feedbackCount"] ?? 0) + 1 }),
        },
      ];
    },
    "erc8004Reputation.FeedbackRevoked": ({ args }) => [
      update(feedbackKey(args), (row) => ({ ...row, isRevoked: true })),
      update(`reputation/${whole(args["agentId"])}`, (counts) => ({
        ...counts,
        revokedCount: numberOf(counts["revokedCount"] ?? 0) + 1,
      })),
    ],
  },
};

function feedbackKey(args: Parameters<Projection["on"][string]>[0]["args"]): string {
  return `feedback/${whole(args["agentId"])}/${textOf(args["clientAddress"])}/${ordinal(args["feedbackIndex"])}`;
}

/** Token numbers are 256 bits wide: 78 digits. */
function whole(value: Parameters<typeof textOf>[0]): string {
  return textOf(value).padStart(78, "0");
}
