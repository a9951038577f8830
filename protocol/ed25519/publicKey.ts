import { ed25519 } from "@noble/curves/ed25519.js";
import { LRUCache } from "lru-cache";

import { toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";

/** Checking a key costs a scalar multiplication and an agent signs many entries under one key: verdicts are kept. */
const verdicts = new LRUCache<string, boolean>({ max: 4096 });

/**
 * Whether 32 bytes are an Ed25519 key that every verifier treats alike: the encoding is canonical (y < p, no negative
 * zero) and the point generates the prime-order subgroup. Low-order and mixed-order keys are where RFC 8032's
 * cofactored and cofactorless verifiers disagree ("Taming the many EdDSAs", IACR 2020/1244), so none may be registered.
 */
export function isSigningKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  const id = toHex(publicKey);
  let verdict = verdicts.get(id);
  if (verdict === undefined) {
    verdict = checkPoint(publicKey);
    verdicts.set(id, verdict);
  }
  return verdict;
}

/** @throws AffiantError ERR_INPUT_PUBLIC_KEY */
export function assertSigningKey(publicKey: Uint8Array): void {
  if (!isSigningKey(publicKey)) {
    throw new AffiantError("ERR_INPUT_PUBLIC_KEY", "the Ed25519 key is not canonical or not of prime order");
  }
}

/** Canonical encoding of a point of prime order. Also what a signature's R must be. */
export function checkPoint(encoded: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(encoded); // zip215 = false: rejects y >= p and negative zero
    return !point.is0() && point.isTorsionFree();
  } catch {
    return false;
  }
}
