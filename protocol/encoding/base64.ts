import { base64 } from "@scure/base";

import { AffiantError } from "../errors/affiantError.ts";

/** RFC 4648 §4 with padding, as the C2SP formats use it. */
export function toBase64(bytes: Uint8Array): string {
  return base64.encode(bytes);
}

/**
 * Strict: missing padding, foreign characters and non-zero trailing bits are rejected, so bytes have exactly one text.
 * @throws AffiantError ERR_INPUT_ENCODING
 */
export function fromBase64(text: string): Uint8Array {
  try {
    return base64.decode(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_ENCODING", "not canonical padded base64", { cause });
  }
}
