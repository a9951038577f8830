import { ed25519 } from "@noble/curves/ed25519.js";

import { checkPoint, isSigningKey } from "./publicKey.ts";

/** Verifies a 64-byte Ed25519 signature over a message under a 32-byte key. Must follow the rule of {@link verifyStrict}. */
export type Ed25519Verify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/**
 * The one rule for signatures in this system: the key passes `isSigningKey`, S < l, R is the canonical encoding of a
 * point without torsion, and RFC 8032's equation holds. With both points in the prime-order subgroup the cofactored and
 * the cofactorless equation are the same, so this agrees with OpenSSL (`node:crypto`) whenever the caller checked the
 * key there too. This is the portable implementation; programs that verify in bulk pass a native one of the same rule.
 */
export const verifyStrict: Ed25519Verify = (signature, message, publicKey) => {
  if (signature.length !== 64 || !isSigningKey(publicKey)) return false;
  if (!checkPoint(signature.subarray(0, 32)) && !isIdentity(signature)) return false;
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
};

/** R may be the identity (a nonce of zero): no honest signer makes one, but every verifier takes it. */
function isIdentity(signature: Uint8Array): boolean {
  return signature[0] === 1 && signature.subarray(1, 32).every((byte) => byte === 0);
}
