import { babyjubjub } from "@noble/curves/misc.js";
import { poseidon2 } from "poseidon-lite/poseidon2";

import { AffiantError } from "../errors/affiantError.ts";
import { subgroupOrder } from "./fields.ts";

/** Bytes of randomness that make a private key: 128 bits more than the key has, so that the reduction shows no bias. */
export const privateKeySeedLength = 48;

/**
 * A private key, uniform in [1, l), from uniform random bytes.
 * @throws AffiantError ERR_INPUT_MALFORMED if the seed is not `privateKeySeedLength` bytes
 */
export function privateKeyFromSeed(seed: Uint8Array): bigint {
  if (seed.length !== privateKeySeedLength) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `a seed has ${privateKeySeedLength} bytes, got ${seed.length}`);
  }
  const number = seed.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  return 1n + (number % (subgroupOrder - 1n));
}

/** @throws AffiantError ERR_INPUT_PRIVATE_KEY unless the number is in [1, l): others prove nothing that one of these does not */
export function assertPrivateKey(privateKey: bigint): void {
  if (privateKey < 1n || privateKey >= subgroupOrder) {
    throw new AffiantError("ERR_INPUT_PRIVATE_KEY", "a BabyJubJub private key is in [1, l)");
  }
}

/**
 * The public key `privateKey * Base8` on BabyJubJub (EIP-2494).
 * @throws AffiantError ERR_INPUT_PRIVATE_KEY
 */
export function publicKeyOf(privateKey: bigint): { readonly x: bigint; readonly y: bigint } {
  assertPrivateKey(privateKey);
  const { x, y } = babyjubjub.Point.BASE.multiply(privateKey).toAffine();
  return { x, y };
}

/**
 * `Poseidon(Ax, Ay)`, what stands on chain for a key. For the secret scalar of a Semaphore v4 identity this is that
 * identity's commitment.
 * @throws AffiantError ERR_INPUT_PRIVATE_KEY
 */
export function commitmentOf(privateKey: bigint): bigint {
  const { x, y } = publicKeyOf(privateKey);
  return poseidon2([x, y]);
}
