import { type Projection, textOf } from "./projection.ts";

/**
 * The card an agent published last, and who declared a capability (`capability/…`). A declaration holds while its content hash
 * is that of the agent's card: one of an earlier card stays in its row and holds no more.
 */
export const cards: Projection = {
  name: "cards",
  version: 1,
  on: {
    "agentRegistry.CardPublished": ({ args, blockNumber }) => {
      const { uri = "", contentHash = "", capabilities = [] } = args;
      const row = { uri, contentHash, capabilities, sinceBlock: blockNumber };
      return [{ key: `agent/${textOf(args["agent"])}`, to: () => row }];
    },
    "agentRegistry.CapabilityDeclared": ({ args, blockNumber }) => [
      {
        key: `capability/${textOf(args["capability"])}/${textOf(args["agent"])}`,
        to: () => ({ contentHash: args["contentHash"] ?? "", sinceBlock: blockNumber }),
      },
    ],
  },
};
