import { parseKeyDid } from "../did/key.ts";
import type { Ed25519Verify } from "../ed25519/verify.ts";
import { AffiantError } from "../errors/affiantError.ts";
import type { Envelope } from "./envelope.ts";

/**
 * Whether a token was signed with the key that is its issuer. Principals other than Ed25519 did:keys can be read, but
 * nothing is taken for signed by them.
 */
export function isSigned(
  { envelope, issuer }: { readonly envelope: Envelope; readonly issuer: string },
  verifySignature: Ed25519Verify,
): boolean {
  const key = keyOfDid(issuer);
  return key !== undefined && verifySignature(envelope.signature, envelope.signedBytes, key);
}

/** @returns the 32 bytes of an Ed25519 did:key; undefined for a principal of another kind */
export function keyOfDid(did: string): Uint8Array | undefined {
  try {
    return parseKeyDid(did);
  } catch (error) {
    if (error instanceof AffiantError) return undefined;
    throw error;
  }
}
