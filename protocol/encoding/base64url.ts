import { base64urlnopad } from "@scure/base";

import { AffiantError } from "../errors/affiantError.ts";

/** RFC 4648 §5 without padding, as JWS uses it (RFC 7515 §2). */
export function toBase64url(bytes: Uint8Array): string {
  return base64urlnopad.encode(bytes);
}

/**
 * Strict: padding, foreign characters and non-zero trailing bits are rejected, so a text has exactly one decoding and
 * bytes exactly one text. Written out because reading a log means decoding every leaf twice over.
 * @throws AffiantError ERR_INPUT_ENCODING
 */
export function fromBase64url(text: string): Uint8Array {
  const rest = text.length % 4;
  if (rest === 1) throw notCanonical();
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let group = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit = code < 128 ? (digits[code] as number) : noDigit;
    if (digit === noDigit) throw notCanonical();
    group = ((group << 6) | digit) & 0xffffff;
    if (i % 4 === 3) {
      bytes[at++] = group >> 16;
      bytes[at++] = group >> 8;
      bytes[at++] = group;
    }
  }
  if (rest === 2) {
    if ((group & 0xf) !== 0) throw notCanonical();
    bytes[at] = group >> 4;
  } else if (rest === 3) {
    if ((group & 0x3) !== 0) throw notCanonical();
    bytes[at++] = group >> 10;
    bytes[at] = group >> 2;
  }
  return bytes;
}

const noDigit = 255;
const digits = new Uint8Array(128).fill(noDigit);
for (const [digit, letter] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].entries()) {
  digits[letter.charCodeAt(0)] = digit;
}

function notCanonical(): AffiantError {
  return new AffiantError("ERR_INPUT_ENCODING", "not canonical unpadded base64url");
}
