import { randomBytes } from "node:crypto";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import {
  deriveEncryptionKeyPair,
  type EncryptionKeyPair,
  hpkeOpen,
  type HpkeSealed,
  hpkeSeal,
} from "../../protocol/hpke/hpke.ts";

export { deriveEncryptionKeyPair, type EncryptionKeyPair, type HpkeSealed as Sealed };

export function newEncryptionKeyPair(): Promise<EncryptionKeyPair> {
  return deriveEncryptionKeyPair(randomBytes(32));
}

/**
 * Seals a message in mode Auth (RFC 9180 §5.1.3): who opens it knows that the holder of the sender's key made it.
 * @param info what the message belongs to; it opens under the same `info` only
 * @throws AffiantError ERR_INPUT_PUBLIC_KEY for a recipient's key of low order
 */
export function sealAuthenticated(
  plaintext: Uint8Array,
  info: Uint8Array,
  recipientKey: Uint8Array,
  sender: EncryptionKeyPair,
  aad: Uint8Array = new Uint8Array(0),
): Promise<HpkeSealed> {
  const senderPrivateKey = sender.privateKey;
  return hpkeSeal({ plaintext, info, aad, recipientKey, senderPrivateKey, ephemeralSeed: randomBytes(32) });
}

/** @throws AffiantError ERR_PROOF_SEAL if it is not for this key, this `info`, or not from this sender */
export async function openAuthenticated(
  sealed: HpkeSealed,
  info: Uint8Array,
  recipient: EncryptionKeyPair,
  senderKey: Uint8Array,
  aad: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  try {
    return await hpkeOpen({ ...sealed, info, aad, recipientPrivateKey: recipient.privateKey, senderKey });
  } catch (cause) {
    throw new AffiantError("ERR_PROOF_SEAL", "the sealed message does not open", { cause });
  }
}
