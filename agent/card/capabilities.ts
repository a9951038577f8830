import type { AgentCard } from "./signedCard.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";

/** As many as `AgentRegistry.setCard` takes. */
const maxCapabilities = 16;

/**
 * The capabilities that a card declares on chain: the tags of its skills that are 1 to 32 characters of printable ASCII
 * without blanks, such as `payment.charge`, each once and in order. Other tags are for people, and stay in the card.
 * @throws AffiantError ERR_INPUT_MALFORMED for more than 16
 */
export function capabilitiesOf(card: AgentCard): readonly string[] {
  const skills = listOf(card["skills"]);
  const tags = skills.flatMap((skill) => (isObject(skill) ? listOf(skill["tags"]) : []));
  const capabilities = [...new Set(tags.filter((tag) => typeof tag === "string" && /^[!-~]{1,32}$/.test(tag)))].sort();
  if (capabilities.length <= maxCapabilities) return capabilities as string[];
  throw new AffiantError(
    "ERR_INPUT_MALFORMED",
    `the card's skills have ${capabilities.length} tags; the chain takes ${maxCapabilities}`,
    { hint: "Tags with a blank are for people only and do not count." },
  );
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
