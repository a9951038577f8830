/** No request of ours comes near it; a megabyte of open brackets costs a parser far more than its sender. */
const maxDepth = 64;

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Whether JSON is nested at most 64 deep, told in one pass over its bytes and before anything is parsed. Whether it is JSON at
 * all is not looked at.
 */
export function isShallow(body: Uint8Array): boolean {
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
      if (depth > maxDepth) return false;
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1;
  }
  return true;
}
