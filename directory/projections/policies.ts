import { ordinal, type Projection, textOf } from "./projection.ts";

/**
 * Policies in force: by agent the newest version, and each version by agent and number. A version is in force from its block
 * on until the next one's.
 */
export const policies: Projection = {
  name: "policies",
  version: 1,
  on: {
    "policyRegistry.PolicyCommitted": ({ args, blockNumber }) => {
      const agent = textOf(args["agent"]);
      const { version = 0, policyHash = "" } = args;
      const row = { policyHash, sinceBlock: blockNumber, version };
      return [
        { key: agent, to: () => row },
        { key: `${agent}/${ordinal(version)}`, to: () => row },
      ];
    },
  },
};
