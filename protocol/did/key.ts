import { base58btc } from "multiformats/bases/base58";

import { assertSigningKey } from "../ed25519/publicKey.ts";
import { AffiantError } from "../errors/affiantError.ts";

/** `did:key:z6Mk…`: an Ed25519 public key (W3C CCG did:key, multicodec 0xed01, base58btc). */
export type KeyDid = `did:key:z6Mk${string}`;

const prefix = "did:key:";
const ed25519PubCodec = [0xed, 0x01] as const;

/**
 * @param publicKey 32 bytes, RFC 8032
 * @throws AffiantError ERR_INPUT_PUBLIC_KEY if it is not canonical or not of prime order
 */
export function formatKeyDid(publicKey: Uint8Array): KeyDid {
  assertSigningKey(publicKey);
  return `${prefix}${base58btc.encode(Uint8Array.of(...ed25519PubCodec, ...publicKey))}` as KeyDid;
}

/**
 * @returns the 32 bytes of the Ed25519 key
 * @throws AffiantError ERR_INPUT_DID, or ERR_INPUT_PUBLIC_KEY for bytes that are no usable key
 */
export function parseKeyDid(did: string): Uint8Array {
  if (!did.startsWith(`${prefix}z`) || did.length > 80) {
    throw new AffiantError("ERR_INPUT_DID", `not a base58btc did:key: ${did.slice(0, 80)}`);
  }
  let bytes: Uint8Array;
  try {
    bytes = base58btc.decode(did.slice(prefix.length));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_DID", "the did:key is not base58btc", { cause });
  }
  if (bytes.length !== 34 || bytes[0] !== ed25519PubCodec[0] || bytes[1] !== ed25519PubCodec[1]) {
    throw new AffiantError("ERR_INPUT_DID", "the did:key is not an Ed25519 key");
  }
  const publicKey = bytes.slice(2);
  assertSigningKey(publicKey);
  return publicKey;
}

/**
 * The same text, known to be a did:key that is accepted here.
 * @throws AffiantError ERR_INPUT_DID, ERR_INPUT_PUBLIC_KEY
 */
export function parseKeyDidText(did: string): KeyDid {
  return formatKeyDid(parseKeyDid(did));
}
