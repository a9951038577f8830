import { createCipheriv, createDecipheriv, randomBytes, randomUUID, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

import { keccak256 } from "ethers";

import { bytesToPlainHex, plainHexToBytes } from "./plainHex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * A 32-byte secret under a passphrase, in the Web3 Secret Storage form, version 3 (scrypt, AES-128-CTR, Keccak-256 MAC):
 * the file that geth, ethers and wallets read. An Ed25519 seed is stored in the same form, without `address`.
 */
export interface KeystoreV3 {
  readonly version: 3;
  readonly id: string;
  /** Lower-case hex without 0x, as geth writes it. Only for account keys. */
  readonly address?: string;
  readonly crypto: {
    readonly cipher: "aes-128-ctr";
    readonly cipherparams: { readonly iv: string };
    readonly ciphertext: string;
    readonly kdf: "scrypt";
    readonly kdfparams: {
      readonly dklen: 32;
      readonly n: number;
      readonly p: number;
      readonly r: number;
      readonly salt: string;
    };
    readonly mac: string;
  };
}

/** N = 2^17, r = 8, p = 1: 128 MiB and about half a second a guess, as ethers and OWASP recommend for scrypt. */
const defaultCost = 2 ** 17;
/** A keystore may ask for this much and no more: its parameters are read before anything proves that it is genuine. */
const maxCost = 2 ** 20;

const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt);

/**
 * @param secret 32 bytes
 * @param options.cost scrypt's N, a power of two
 */
export async function encryptSecret(
  secret: Uint8Array,
  passphrase: string,
  options: { readonly address?: string; readonly cost?: number } = {},
): Promise<KeystoreV3> {
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const n = options.cost ?? defaultCost;
  const key = await deriveKey(passphrase, salt, n, 8, 1);
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()]);
  return {
    version: 3,
    id: randomUUID(),
    ...(options.address === undefined ? {} : { address: options.address.toLowerCase().replace(/^0x/, "") }),
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: bytesToPlainHex(iv) },
      ciphertext: bytesToPlainHex(ciphertext),
      kdf: "scrypt",
      kdfparams: { dklen: 32, n, p: 1, r: 8, salt: bytesToPlainHex(salt) },
      mac: bytesToPlainHex(macOf(key, ciphertext)),
    },
  };
}

/**
 * @returns the 32 bytes
 * @throws AffiantError ERR_AUTH_PASSPHRASE if the MAC does not match, ERR_INPUT_FILE for another cipher or KDF
 */
export async function decryptSecret(keystore: KeystoreV3, passphrase: string): Promise<Uint8Array> {
  const { crypto } = keystore;
  const { n, p, r, salt } = readParameters(keystore);
  const ciphertext = plainHexToBytes(crypto.ciphertext, 32);
  const key = await deriveKey(passphrase, plainHexToBytes(salt, 32), n, r, p);
  if (!timingSafeEqual(macOf(key, ciphertext), plainHexToBytes(crypto.mac, 32))) {
    throw new AffiantError("ERR_AUTH_PASSPHRASE", "the passphrase does not open this key", {
      hint: "Give the passphrase that was used when the agent was created.",
    });
  }
  const decipher = createDecipheriv("aes-128-ctr", key.subarray(0, 16), plainHexToBytes(crypto.cipherparams.iv, 16));
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function readParameters({ crypto }: KeystoreV3): KeystoreV3["crypto"]["kdfparams"] {
  const params = crypto?.kdfparams;
  const known = crypto?.cipher === "aes-128-ctr" && crypto.kdf === "scrypt" && params?.dklen === 32;
  if (!known) throw new AffiantError("ERR_INPUT_FILE", "the keystore uses a cipher or KDF that is not supported");
  const sane = params.n > 1 && params.n <= maxCost && (params.n & (params.n - 1)) === 0 && params.r === 8;
  if (!sane || params.p < 1 || params.p > 16) {
    throw new AffiantError("ERR_INPUT_FILE", "the keystore's scrypt parameters are out of range");
  }
  return params;
}

function deriveKey(passphrase: string, salt: Uint8Array, n: number, r: number, p: number): Promise<Buffer> {
  // The normal form makes one passphrase of the several ways in which keyboards compose an accented letter.
  return derive(passphrase.normalize("NFKC"), salt, 32, { N: n, r, p, maxmem: 129 * n * r * p + 2 ** 20 });
}

function macOf(key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return Buffer.from(keccak256(Buffer.concat([key.subarray(16, 32), ciphertext])).slice(2), "hex");
}
