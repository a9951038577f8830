import { hash } from "node:crypto";

const input = Buffer.alloc(65, 1);

/** `nodeHash` (RFC 9162 §2.1.1) on OpenSSL, with the same tag: every entry that is appended costs one. */
export function nodeHashNative(left: Uint8Array, right: Uint8Array): Uint8Array {
  input.set(left, 1);
  input.set(right, 33);
  // A string first: a digest that comes as a buffer brings memory of its own along, for 32 bytes.
  return Buffer.from(hash("sha256", input, "binary"), "latin1");
}
