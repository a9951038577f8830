import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";

import { formatKeyDid, type KeyDid } from "../../protocol/did/key.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** PKCS #8 (RFC 8410 §7) of an Ed25519 key is this prefix and the 32-byte seed. */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** An Ed25519 key that signs entries. The seed stays inside node:crypto. */
export class SigningKey {
  /** 32 bytes, RFC 8032. */
  readonly publicKey: Uint8Array;
  readonly did: KeyDid;
  readonly #key: KeyObject;

  /** @param seed 32 bytes (RFC 8032 §5.1.5) */
  constructor(seed: Uint8Array) {
    if (seed.length !== 32) throw new AffiantError("ERR_INPUT_FILE", "an Ed25519 seed has 32 bytes");
    this.#key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
    const { x } = createPublicKey(this.#key).export({ format: "jwk" });
    this.publicKey = Buffer.from(x as string, "base64url");
    this.did = formatKeyDid(this.publicKey);
  }

  /** @returns the 64-byte signature (RFC 8032, deterministic) */
  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#key);
  }
}

export function newSigningSeed(): Uint8Array {
  return randomBytes(32);
}
