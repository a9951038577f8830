import { Aes128Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";

import { utf8 } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";

/**
 * HPKE (RFC 9180), auth mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: the suite of the RFC's Appendix
 * A.1.3, whose published vectors are tested on these very functions. Single-shot: one message a context.
 */
const kem = new DhkemX25519HkdfSha256();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes128Gcm() });

/** "HPKE" ‖ kem 0x0020 ‖ kdf 0x0001 ‖ aead 0x0001 (RFC 9180 §5.1). */
const suiteId = concatBytes(utf8("HPKE"), Uint8Array.of(0, 0x20, 0, 1, 0, 1));
const modeAuth = 2;

/** Bytes of an encapsulated key and of an X25519 key. */
export const keyLength = 32;
/** Bytes by which a ciphertext is longer than its plaintext. */
export const tagLength = 16;

/** What ties a ciphertext to its place: sealed for one, it opens for no other. */
export interface HpkeContext {
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
}

export interface HpkeSealed {
  /** The encapsulated key, 32 bytes. */
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface SealInput extends HpkeContext {
  readonly plaintext: Uint8Array;
  /** X25519, 32 bytes. */
  readonly recipientKey: Uint8Array;
  /** The sender's private X25519 key: who opens knows that nobody else sealed. */
  readonly senderPrivateKey: Uint8Array;
  /** 32 fresh random bytes, never used twice: the `ikmE` of the RFC. Protocol code takes no randomness of its own. */
  readonly ephemeralSeed: Uint8Array;
}

/** @throws AffiantError ERR_INPUT_PUBLIC_KEY for a recipient's key of low order */
export async function hpkeSeal(input: SealInput): Promise<HpkeSealed> {
  try {
    const context = await suite.createSenderContext({
      recipientPublicKey: await kem.deserializePublicKey(plain(input.recipientKey)),
      senderKey: await kem.deserializePrivateKey(plain(input.senderPrivateKey)),
      ekm: plain(input.ephemeralSeed),
      info: plain(input.info),
    });
    const ciphertext = await context.seal(plain(input.plaintext), plain(input.aad));
    return { enc: new Uint8Array(context.enc), ciphertext: new Uint8Array(ciphertext) };
  } catch {
    // The library's error may hold keys in its cause: it goes no further.
    throw new AffiantError("ERR_INPUT_PUBLIC_KEY", "nothing can be sealed to this X25519 key");
  }
}

/** One message's encapsulated key, and the X25519 key of who sealed it; 32 bytes each. */
export interface Encapsulated {
  readonly enc: Uint8Array;
  readonly senderKey: Uint8Array;
}

/** A private X25519 key, or whoever keeps it and gives the shared secret of one message (`sharedSecretOf`) alone. */
export type RecipientKey = Uint8Array | ((encapsulated: Encapsulated) => Promise<Uint8Array>);

export interface OpenInput extends HpkeContext, HpkeSealed, Encapsulated {
  readonly recipientPrivateKey: RecipientKey;
}

/** @throws AffiantError ERR_PROOF_SEALED_KEY if it was sealed to another key, by another sender, for another context, or changed */
export async function hpkeOpen(input: OpenInput): Promise<Uint8Array> {
  return hpkeOpenWith(await sharedSecretOf(input), input);
}

/**
 * The KEM's shared secret (RFC 9180 §4.1, AuthDecap), 32 bytes. It opens this one ciphertext and no other, so a receiver
 * who disputes what it was sent can show it and keep its private key.
 */
export async function sharedSecretOf({
  recipientPrivateKey,
  ...input
}: Encapsulated & Pick<OpenInput, "recipientPrivateKey">): Promise<Uint8Array> {
  if (typeof recipientPrivateKey === "function") return recipientPrivateKey(input);
  try {
    const secret = await kem.decap({
      recipientKey: await kem.deserializePrivateKey(plain(recipientPrivateKey)),
      senderPublicKey: await kem.deserializePublicKey(plain(input.senderKey)),
      enc: plain(input.enc),
    });
    return new Uint8Array(secret);
  } catch {
    throw new AffiantError("ERR_PROOF_SEALED_KEY", "the encapsulated key is not acceptable");
  }
}

/**
 * Opens with a shared secret that was shown. Whoever only received a ciphertext cannot find another secret under which
 * its tag holds (2^-128 for each try), so it cannot pretend to have been sent something else.
 * @throws AffiantError ERR_PROOF_SEALED_KEY
 */
export async function hpkeOpenWith(
  sharedSecret: Uint8Array,
  { info, aad, ciphertext }: HpkeContext & Pick<HpkeSealed, "ciphertext">,
): Promise<Uint8Array> {
  const { key, baseNonce } = keySchedule(sharedSecret, info);
  try {
    const imported = await crypto.subtle.importKey("raw", plain(key), "AES-GCM", false, ["decrypt"]);
    const algorithm = { name: "AES-GCM", iv: plain(baseNonce), additionalData: plain(aad) };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, imported, plain(ciphertext)));
  } catch {
    throw new AffiantError("ERR_PROOF_SEALED_KEY", "the ciphertext does not open under this key and context");
  }
}

/** KeySchedule of RFC 9180 §5.1 for auth mode: which has no PSK. */
export function keySchedule(sharedSecret: Uint8Array, info: Uint8Array): { key: Uint8Array; baseNonce: Uint8Array } {
  const none = new Uint8Array();
  const pskIdHash = labeledExtract(none, "psk_id_hash", none);
  const infoHash = labeledExtract(none, "info_hash", info);
  const context = concatBytes(Uint8Array.of(modeAuth), pskIdHash, infoHash);
  const secret = labeledExtract(sharedSecret, "secret", none);
  return {
    key: labeledExpand(secret, "key", context, 16),
    baseNonce: labeledExpand(secret, "base_nonce", context, 12),
  };
}

/** X25519, both 32 bytes. */
export interface EncryptionKeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** DeriveKeyPair (RFC 9180 §7.1.3). @param seed at least 32 secret bytes */
export async function deriveEncryptionKeyPair(seed: Uint8Array): Promise<EncryptionKeyPair> {
  const { privateKey } = await kem.deriveKeyPair(plain(seed).buffer);
  const bytes = new Uint8Array(await kem.serializePrivateKey(privateKey));
  return { publicKey: encryptionKeyOf(bytes), privateKey: bytes };
}

/** The X25519 key of a private key, 32 bytes each. */
export function encryptionKeyOf(privateKey: Uint8Array): Uint8Array {
  return x25519.getPublicKey(privateKey);
}

function labeledExtract(salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return extract(sha256, concatBytes(utf8("HPKE-v1"), suiteId, utf8(label), ikm), salt);
}

function labeledExpand(prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  const labeled = concatBytes(Uint8Array.of(length >> 8, length & 0xff), utf8("HPKE-v1"), suiteId, utf8(label), info);
  return expand(sha256, prk, labeled, length);
}

/** A copy that fills its own buffer, which is what Web Crypto's types ask for. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
