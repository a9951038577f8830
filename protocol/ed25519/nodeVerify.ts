import { createPublicKey, type KeyObject, verify } from "node:crypto";

import { LRUCache } from "lru-cache";

import { isSigningKey } from "./publicKey.ts";
import type { Ed25519Verify } from "./verify.ts";
import { toHex } from "../encoding/hex.ts";

/** DER of a SubjectPublicKeyInfo for Ed25519 up to the 32 bytes of the key (RFC 8410 §4). */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

const keys = new LRUCache<string, KeyObject>({ max: 4096 });

/**
 * The rule of `verifyStrict` on OpenSSL, many times as fast. OpenSSL verifies without cofactor, demands S < l and
 * compares the encoding of SB − kA with R byte by byte. Once the key is known to be of prime order that sum is without
 * torsion and its encoding canonical, so R needs no check of its own; `isSigningKey` is asked first, once a key.
 *
 * For programs on Node. Nothing else in `protocol/` imports this file: protocol runs in browsers too, with `verifyStrict`.
 */
export const verifyNative: Ed25519Verify = (signature, message, publicKey) => {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  const id = toHex(publicKey);
  let key = keys.get(id);
  if (!key) {
    if (!isSigningKey(publicKey)) return false;
    key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: "der", type: "spki" });
    keys.set(id, key);
  }
  return verify(null, message, key, signature);
};
