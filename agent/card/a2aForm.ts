import { canonicalizeAgentCard } from "@a2a-js/sdk";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { AgentCard } from "./signedCard.ts";

/**
 * What of a card an A2A signature covers (A2A 1.0, section 8.4): the members that the protocol defines, without
 * `signatures` and without those that have their default value, in RFC 8785 form. What is beyond them (`protocolVersion`
 * of a 0.3 card, a vendor's own members) no A2A tool signs or checks; a card's hash on chain covers it.
 */
export function a2aForm(card: AgentCard): string {
  try {
    return canonicalizeAgentCard(card as unknown as Parameters<typeof canonicalizeAgentCard>[0]);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the card is not of the form that A2A 1.0 describes", { cause });
  }
}

/**
 * Refuses what is no A2A agent card, and says what it is where that can be told.
 * @throws AffiantError ERR_INPUT_CARD
 */
export function requireAgentCard(value: Json, what: string): AgentCard {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse(`${what} holds no JSON object`);
  const card = value as AgentCard;
  const { type } = card;
  if (typeof type === "string" && /eip-8004/i.test(type)) {
    return refuse(
      `${what} is an ERC-8004 registration file`,
      "Its `services` name the address of the A2A card, if there is one.",
    );
  }
  if ("openapi" in card || "swagger" in card) return refuse(`${what} is an OpenAPI description`);
  if ("mcpServers" in card) return refuse(`${what} is a client's list of MCP servers`);
  const has = (key: string, isRight: (member: Json) => boolean): boolean => {
    const member = card[key];
    return member !== undefined && isRight(member);
  };
  const isText = (member: Json): boolean => typeof member === "string" && member !== "";
  const missing = [
    ...["name", "description", "version"].filter((key) => !has(key, isText)),
    ...(has("supportedInterfaces", Array.isArray) || has("url", isText)
      ? []
      : ["supportedInterfaces (or url, in 0.3)"]),
    ...(has("skills", Array.isArray) ? [] : ["skills"]),
  ];
  return missing.length === 0 ? card : refuse(`${what} lacks ${missing.join(", ")}`);
}

function refuse(what: string, hint?: string): never {
  throw new AffiantError("ERR_INPUT_CARD", `not an A2A agent card: ${what}`, hint === undefined ? {} : { hint });
}
