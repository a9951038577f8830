import { AffiantError } from "../errors/affiantError.ts";

/**
 * The rule of `fromBase64url` on Node's own decoder, several times as fast. That one skips what it does not know, so the
 * bytes are written again: only the one canonical text comes out as it went in.
 *
 * For programs on Node. Nothing else in `protocol/` imports this file: protocol runs in browsers too.
 * @throws AffiantError ERR_INPUT_ENCODING
 */
export function fromBase64urlNative(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) {
    throw new AffiantError("ERR_INPUT_ENCODING", "not unpadded base64url in canonical form");
  }
  return bytes;
}
