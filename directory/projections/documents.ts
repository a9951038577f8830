import type { ChainEvent } from "../events/event.ts";
import { isSigningKey } from "./keys.ts";
import { type Change, type Projection, textOf } from "./projection.ts";

/**
 * What else a DID document is made of: ERC-1056 attributes and delegates, by agent. `validToSec` is Unix seconds of the
 * chain's clock; the document of a block counts those that end after that block's time.
 */
export const documents: Projection = {
  name: "documents",
  version: 1,
  on: {
    "agentRegistry.DIDAttributeChanged": (event) =>
      isSigningKey(event) ? [] : [changed(event, "attribute", "name", "value")],
    "agentRegistry.DIDDelegateChanged": (event) => [changed(event, "delegate", "delegateType", "delegate")],
  },
};

function changed(event: ChainEvent, kind: string, name: string, value: string): Change {
  const { args, blockNumber } = event;
  const [of, is] = [textOf(args[name]), textOf(args[value])];
  return {
    key: `${textOf(args["identity"])}/${kind}/${of}/${is}`,
    to: (row) => ({
      kind,
      name: of,
      value: is,
      validToSec: args["validTo"] ?? 0,
      sinceBlock: row?.["sinceBlock"] ?? blockNumber,
      changedAtBlock: blockNumber,
    }),
  };
}
