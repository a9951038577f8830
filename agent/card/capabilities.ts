import type { AgentCard } from "./signedCard.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { Json } from "../../protocol/json/canonical.ts";

/** As many as `AgentRegistry.setCard` takes. */
const maxCapabilities = 16;

/** The tags of a card's skills, as the chain can have them. */
export interface DeclaredCapabilities {
  /** The first 16, sorted. */
  readonly onChain: readonly string[];
  /** Those beyond 16: they stay in the card, and nobody finds the agent by them on chain. */
  readonly inCardOnly: readonly string[];
}

/**
 * The capabilities that a card declares: the tags of its skills that are 1 to 32 characters of printable ASCII without
 * blanks, such as `payment.charge`, each once. Other tags are for people, and stay in the card. The chain takes 16: the
 * first ones, in the order in which the card's owner put them.
 */
export function capabilitiesOf(card: AgentCard): DeclaredCapabilities {
  const skills = listOf(card["skills"]);
  const tags = skills.flatMap((skill) => (isObject(skill) ? listOf(skill["tags"]) : []));
  const isCapability = (tag: Json): tag is string => typeof tag === "string" && /^[!-~]{1,32}$/.test(tag);
  const capabilities = [...new Set(tags.filter(isCapability))];
  return {
    onChain: capabilities.slice(0, maxCapabilities).sort(),
    inCardOnly: capabilities.slice(maxCapabilities),
  };
}

/** 32 bytes: ASCII, zeros behind. */
export function encodeCapability(capability: string): Hex {
  const bytes = new Uint8Array(32);
  bytes.set(new TextEncoder().encode(capability));
  return toHex(bytes);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function isObject(value: Json): value is AgentCard {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
