import { createPublicKey, verify } from "node:crypto";

import { isSigningKey } from "../../protocol/ed25519/publicKey.ts";
import { type Ed25519Verify } from "../../protocol/ed25519/verify.ts";

/** DER SubjectPublicKeyInfo of an Ed25519 key, up to its 32 bytes (RFC 8410 §4). */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/**
 * The rule of `verifyStrict` by OpenSSL, some hundred times faster. OpenSSL compares R byte for byte and demands S < l;
 * with a key of prime order, which is checked here, that accepts the same signatures.
 */
export const verifyNative: Ed25519Verify = (signature, message, publicKey) => {
  if (signature.length !== 64 || !isSigningKey(publicKey)) return false;
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: "der", type: "spki" });
  return verify(null, message, key, signature);
};
