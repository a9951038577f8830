import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { utf8 } from "../encoding/bytes.ts";
import { fromHex, type Hex, toHex } from "../encoding/hex.ts";

const info = utf8("affiant attestation answer 1");

/**
 * e = HMAC-SHA-256(HKDF-SHA-256(ikm = m, salt = k, info), N), 32 bytes. Whoever has e and N learns nothing about m without
 * k, however few measurements are plausible; k is 32 random bytes that only the service and the wrapper know.
 * @param measurement m, 32 bytes
 * @param agentKey k, 32 bytes
 * @param nonce N, 32 bytes
 */
export function answerOf(measurement: Hex, agentKey: Uint8Array, nonce: Hex): Hex {
  const key = hkdf(sha256, fromHex(measurement, 32), agentKey, info, 32);
  return toHex(hmac(sha256, key, fromHex(nonce, 32)));
}
