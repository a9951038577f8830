import type { ChainEvent } from "../events/event.ts";
import { type Projection, textOf } from "./projection.ts";

/** `did/pub/Ed25519/veriKey/base58`, zeros behind: `SIGNING_KEY_ATTRIBUTE` of `AgentKeys.sol`. */
const signingKeyAttribute = `0x${Buffer.from("did/pub/Ed25519/veriKey/base58").toString("hex").padEnd(64, "0")}`;

/** Whether an attribute is a signing key, which the registry checked. No other attribute can have this name. */
export function isSigningKey({ args }: ChainEvent): boolean {
  return args["name"] === signingKeyAttribute && /^0x[0-9a-f]{64}$/.test(String(args["value"]));
}

/**
 * Signing keys by agent and key: valid from `addedAtBlock` on, and before `revokedAtBlock`. A key that was revoked never comes
 * back. When an agent ends, its keys end with it (`agents`, `endedAtBlock`).
 */
export const keys: Projection = {
  name: "keys",
  version: 1,
  on: {
    "agentRegistry.DIDAttributeChanged": (event) => {
      if (!isSigningKey(event)) return [];
      const key = `${textOf(event.args["identity"])}/${textOf(event.args["value"])}`;
      const isRevoked = event.args["validTo"] === 0;
      return [
        {
          key,
          to: (row) => {
            if (!isRevoked) return row ?? { addedAtBlock: event.blockNumber, logIndex: event.logIndex };
            return row && { ...row, revokedAtBlock: event.blockNumber };
          },
        },
      ];
    },
  },
};
