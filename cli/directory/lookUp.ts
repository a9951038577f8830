import { lookUpCard } from "../../agent/card/lookUpCard.ts";
import type { LookUp } from "../../directory/discovery/catalog.ts";
import { encodeCapability } from "../../agent/card/capabilities.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

/** Cards as agents look them up: fetched with care, and held to hash, signature and capabilities. */
export function cardLookUp(allowPrivate: boolean): LookUp {
  return ({ uri, contentHash, capabilities, signingKeys }) =>
    lookUpCard(
      {
        uri,
        contentHash: contentHash as Hex,
        capabilities: capabilities.map((one) => (/^0x[0-9a-f]{64}$/.test(one) ? (one as Hex) : encodeCapability(one))),
        signingKeys: signingKeys as readonly Hex[],
      },
      { allowPrivate },
    );
}
