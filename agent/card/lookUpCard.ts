import { capabilitiesOf, encodeCapability } from "./capabilities.ts";
import { fetchCard, type FetchCardOptions } from "./fetchCard.ts";
import { type AgentCard, verifyCard } from "./signedCard.ts";
import type { PublishedCard } from "../chain/registries.ts";
import { fromHex } from "../../protocol/encoding/hex.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { parseCanonicalJson } from "../../protocol/json/canonical.ts";

/** A card that was looked up, and what came of it. */
export interface LookedUpCard {
  /** `unproven`: the card could not be fetched, or may not be where its URI leads. */
  readonly outcome: "holds" | "fails" | "unproven";
  readonly detail: string;
  readonly uri: string;
  readonly contentHash: string;
  /** did:key of the agent's keys that signed it. */
  readonly signedBy: readonly string[];
  /** Tags that the chain and the card agree on. */
  readonly capabilities: readonly string[];
  /** There only if it holds: nothing of another card is shown. */
  readonly card?: AgentCard;
}

/**
 * Fetches the card that the chain names and checks it: its hash, a signature under one of the agent's keys, and that the
 * capabilities on chain are the tags of its skills.
 */
export async function lookUpCard(published: PublishedCard, options?: FetchCardOptions): Promise<LookedUpCard> {
  const { uri, contentHash, signingKeys } = published;
  const failed = { outcome: "fails", uri, contentHash, signedBy: [], capabilities: [] } as const;
  try {
    const bytes = await fetchCard(uri, options);
    const verdict = verifyCard(bytes, { contentHash, signingKeys: signingKeys.map((key) => fromHex(key, 32)) });
    if (verdict.outcome === "fails") return { ...failed, detail: verdict.detail };
    const card = parseCanonicalJson(bytes) as AgentCard;
    const { onChain: capabilities } = capabilitiesOf(card);
    if (!sameCapabilities(capabilities, published.capabilities)) {
      return { ...failed, detail: "the capabilities on chain are not the tags of the card's skills" };
    }
    return { ...verdict, uri, contentHash, capabilities, card };
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    const isUnseen = error.code === "ERR_UNAVAILABLE_CARD" || error.code === "ERR_AUTH_PRIVATE_ADDRESS";
    return { ...failed, outcome: isUnseen ? "unproven" : "fails", detail: error.message };
  }
}

function sameCapabilities(tags: readonly string[], onChain: readonly string[]): boolean {
  return [...onChain].sort().join() === tags.map(encodeCapability).sort().join();
}
