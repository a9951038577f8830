import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** No request of ours comes near it; a megabyte of open brackets costs a parser far more than its sender. */
const maxDepth = 64;

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Refuses JSON that is nested deeper than 64, in one pass over its bytes and before anything is parsed. Whether it is JSON at
 * all is not looked at.
 * @throws AffiantError ERR_INPUT_MALFORMED
 */
export function assertShallow(body: Uint8Array): void {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (isText) {
      if (byte === backslash) at++;
      else if (byte === quote) isText = false;
    } else if (byte === quote) isText = true;
    else if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth > maxDepth) throw new AffiantError("ERR_INPUT_MALFORMED", `the body is nested deeper than ${maxDepth}`);
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1;
  }
}
