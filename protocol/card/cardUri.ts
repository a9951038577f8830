import { AffiantError } from "../errors/affiantError.ts";

/**
 * Refuses a card's URI that has other characters than URIs have (RFC 3986, section 2): control characters, blanks, and
 * whatever is beyond ASCII, which is written percent-encoded. `AgentRegistry.setCard` has the same rule.
 * @throws AffiantError ERR_INPUT_CARD_URI
 */
export function checkCardUri(uri: string): void {
  const position = uri.search(/[^!-~]/);
  if (position < 0) return;
  throw new AffiantError("ERR_INPUT_CARD_URI", `the card's URI has a character at ${position} that no URI has`, {
    details: { position, codeUnit: uri.charCodeAt(position) },
    hint: "write it percent-encoded",
  });
}
