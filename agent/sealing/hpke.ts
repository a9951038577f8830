import { type webcrypto } from "node:crypto";

import { Aes128Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM (RFC 9180 §7): the suite of RFC 9180, appendix A.1. */
const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() });

/** X25519, both 32 bytes. */
export interface EncryptionKeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

export interface Sealed {
  /** The encapsulated key, 32 bytes. */
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export async function newEncryptionKeyPair(): Promise<EncryptionKeyPair> {
  return exported(await suite.kem.generateKeyPair());
}

/** DeriveKeyPair (RFC 9180 §7.1.3). @param seed at least 32 secret bytes */
export async function deriveEncryptionKeyPair(seed: Uint8Array): Promise<EncryptionKeyPair> {
  return exported(await suite.kem.deriveKeyPair(exact(seed)));
}

async function exported({ publicKey, privateKey }: webcrypto.CryptoKeyPair): Promise<EncryptionKeyPair> {
  return {
    publicKey: new Uint8Array(await suite.kem.serializePublicKey(publicKey)),
    privateKey: new Uint8Array(await suite.kem.serializePrivateKey(privateKey)),
  };
}

/**
 * Seals a message in mode Auth (RFC 9180 §5.1.3): who opens it knows that the holder of the sender's key made it.
 * @param info what the message belongs to; it opens under the same `info` only
 */
export async function sealAuthenticated(
  message: Uint8Array,
  info: Uint8Array,
  recipientPublicKey: Uint8Array,
  sender: EncryptionKeyPair,
  aad: Uint8Array = new Uint8Array(0),
): Promise<Sealed> {
  const context = await suite.createSenderContext({
    recipientPublicKey: await publicKeyOf(recipientPublicKey),
    senderKey: await keyPairOf(sender),
    info: exact(info),
  });
  const ciphertext = await context.seal(exact(message), exact(aad));
  return { enc: new Uint8Array(context.enc), ciphertext: new Uint8Array(ciphertext) };
}

/** @throws AffiantError ERR_PROOF_SEAL if it is not for this key, this `info`, or not from this sender */
export async function openAuthenticated(
  sealed: Sealed,
  info: Uint8Array,
  recipient: EncryptionKeyPair,
  senderPublicKey: Uint8Array,
  aad: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  try {
    const context = await suite.createRecipientContext({
      recipientKey: await keyPairOf(recipient),
      senderPublicKey: await publicKeyOf(senderPublicKey),
      enc: exact(sealed.enc),
      info: exact(info),
    });
    return new Uint8Array(await context.open(exact(sealed.ciphertext), exact(aad)));
  } catch (cause) {
    throw new AffiantError("ERR_PROOF_SEAL", "the sealed message does not open", { cause });
  }
}

function publicKeyOf(bytes: Uint8Array): Promise<webcrypto.CryptoKey> {
  return suite.kem.deserializePublicKey(exact(bytes));
}

async function keyPairOf({ publicKey, privateKey }: EncryptionKeyPair): Promise<webcrypto.CryptoKeyPair> {
  return {
    publicKey: await publicKeyOf(publicKey),
    privateKey: await suite.kem.deserializePrivateKey(exact(privateKey)),
  };
}

/** A buffer of these bytes alone: a Buffer's own may be a piece of a larger pool. */
function exact(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
