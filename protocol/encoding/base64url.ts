import { base64urlnopad } from "@scure/base";

import { AffiantError } from "../errors/affiantError.ts";

/** RFC 4648 §5 without padding, as JWS uses it (RFC 7515 §2). */
export function toBase64url(bytes: Uint8Array): string {
  return base64urlnopad.encode(bytes);
}

/**
 * Strict: padding, foreign characters and non-zero trailing bits are rejected, so a text has exactly one decoding and
 * bytes exactly one text.
 * @throws AffiantError ERR_INPUT_ENCODING
 */
export function fromBase64url(text: string): Uint8Array {
  try {
    return base64urlnopad.decode(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_ENCODING", "not canonical unpadded base64url", { cause });
  }
}
