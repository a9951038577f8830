/** No request of ours comes near it; a megabyte of open brackets costs a parser far more than its sender. */
const maxDepth = 64;
/** Nor has one half as many: a batch with all its disclosures, or the sealed keys of a group, are some eight thousand texts. */
const maxCommas = 16_384;

const [quote, comma, backslash, openBracket, closeBracket, openBrace, closeBrace] = [
  0x22, 0x2c, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d,
];

/**
 * Whether JSON is nested at most 64 deep and has at most 16,384 commas, told in one pass over its bytes and before anything is
 * parsed. Whether it is JSON at all is not looked at.
 */
export function isBounded(body: Buffer): boolean {
  let depth = 0;
  let commas = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) {
      // Most of a large body is text: it is searched, not walked.
      at = endOfText(body, at + 1);
    } else if (byte === comma) {
      commas += 1;
      if (commas > maxCommas) return false;
    } else if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth > maxDepth) return false;
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1;
  }
  return true;
}

/** @returns where the quote stands that ends a text; the end of the body if none does */
function endOfText(body: Buffer, from: number): number {
  for (let end = body.indexOf(quote, from); end >= 0; end = body.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (end - slashes > from && body[end - slashes - 1] === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return body.length;
}
