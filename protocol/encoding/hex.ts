import { bytesToHex, hexToBytes as nobleHexToBytes } from "@noble/hashes/utils.js";

import { AffiantError } from "../errors/affiantError.ts";

/** Lower-case hex with `0x`, the one way bytes are written in JSON here. */
export type Hex = `0x${string}`;

export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/**
 * Reads `0x` + lower-case hex of exactly `byteLength` bytes. Upper case is rejected: each value has one spelling, so
 * that documents can be compared as text.
 * @throws AffiantError ERR_INPUT_ENCODING
 */
export function fromHex(text: string, byteLength?: number): Uint8Array {
  if (!/^0x(?:[0-9a-f]{2})*$/.test(text)) {
    throw new AffiantError("ERR_INPUT_ENCODING", "not lower-case 0x-prefixed hex of whole bytes");
  }
  const bytes = nobleHexToBytes(text.slice(2));
  if (byteLength !== undefined && bytes.length !== byteLength) {
    throw new AffiantError("ERR_INPUT_ENCODING", `expected ${byteLength} bytes, got ${bytes.length}`);
  }
  return bytes;
}

export function isHex(value: unknown, byteLength: number): value is Hex {
  return typeof value === "string" && value.length === 2 + 2 * byteLength && /^0x[0-9a-f]*$/.test(value);
}
