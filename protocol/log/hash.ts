import { sha256 } from "@noble/hashes/sha2.js";

/** Bytes of every hash in the log's tree. */
export const hashLength = 32;

/** MTH({}) = SHA-256 of nothing (RFC 9162 §2.1.1): the root of the empty log. A copy, so that nobody can change it. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}

/** SHA-256(0x00 || entry), RFC 9162 §2.1.1. The tag keeps an inner node from passing as a leaf. */
export function leafHash(entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return sha256(input);
}

/**
 * SHA-256(0x01 || left || right), RFC 9162 §2.1.1.
 * @param left 32 bytes
 * @param right 32 bytes
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + 2 * hashLength);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + hashLength);
  return sha256(input);
}
