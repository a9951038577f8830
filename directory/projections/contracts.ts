import { type Projection, set, textOf } from "./projection.ts";

/**
 * Scoped contracts that are on record, by contract and the agent that said so. A revocation counts for a chain if its agent
 * issued that link or one above (`IContractRegistry.sol`): anyone may record one of anything.
 */
export const contracts: Projection = {
  name: "contracts",
  version: 1,
  on: {
    "contractRegistry.ContractAnchored": ({ args, blockNumber }) => [
      set(`${textOf(args["contractId"])}/${textOf(args["agent"])}`, {
        anchoredAtBlock: blockNumber,
        audience: textOf(args["audience"]),
      }),
    ],
    "contractRegistry.ContractRevoked": ({ args, blockNumber }) => [
      set(`${textOf(args["contractId"])}/${textOf(args["agent"])}`, { revokedAtBlock: blockNumber }),
    ],
  },
};
