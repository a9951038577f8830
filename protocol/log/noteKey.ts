import { sha256 } from "@noble/hashes/sha2.js";

import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { utf8 } from "../encoding/bytes.ts";
import { assertSigningKey } from "../ed25519/publicKey.ts";
import { type Ed25519Verify, verifyStrict } from "../ed25519/verify.ts";
import { AffiantError } from "../errors/affiantError.ts";

/** C2SP signed-note signature type of plain Ed25519. */
export const ed25519NoteType = 0x01;

/** A key that a note's signatures are checked with. `name` and `keyId` together say which lines are its own. */
export interface NoteVerifier {
  readonly name: string;
  /** uint32 */
  readonly keyId: number;
  /** @param text the note's text with its final newline */
  verify(text: string, signature: Uint8Array): boolean;
}

/** A key that signs notes. The secret stays with whoever made the signer. */
export interface NoteSigner {
  readonly name: string;
  /** uint32 */
  readonly keyId: number;
  /** @param text the note's text with its final newline */
  sign(text: string): Uint8Array;
}

/** Not empty, and neither Unicode white space, nor `+`, nor a control character (C2SP signed-note). */
export function isKeyName(name: string): boolean {
  return name !== "" && name.isWellFormed() && !/[\p{White_Space}+]/u.test(name) && !hasControl(name);
}

/** ASCII control characters, which no note may hold. Newlines are the caller's business. */
export function hasControl(text: string): boolean {
  return /[\u0000-\u0009\u000b-\u001f]/.test(text);
}

/**
 * The first four bytes of SHA-256(name || 0x0A || type || key), big-endian.
 * @param key the type byte's key material: 32 bytes for Ed25519
 */
export function noteKeyId(name: string, type: number, key: Uint8Array): number {
  const digest = sha256.create().update(utf8(name)).update(Uint8Array.of(0x0a, type)).update(key).digest();
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

/** The text form of a verifier key, `name+hex8+base64(type || key)`. */
export interface NoteVerifierKey {
  readonly name: string;
  readonly keyId: number;
  /** The signature type byte. */
  readonly type: number;
  readonly key: Uint8Array;
}

/** @throws AffiantError ERR_INPUT_NOTE for a name that no key can have */
export function formatVerifierKey(name: string, type: number, key: Uint8Array): string {
  assertKeyName(name);
  const id = noteKeyId(name, type, key).toString(16).padStart(8, "0");
  return `${name}+${id}+${toBase64(Uint8Array.of(type, ...key))}`;
}

/**
 * Reads a verifier key of any type, strictly, and checks its key id against the recommended derivation.
 * @throws AffiantError ERR_INPUT_NOTE
 */
export function parseVerifierKey(vkey: string): NoteVerifierKey {
  const [name, id, material, ...rest] = splitVerifierKey(vkey);
  if (name === undefined || id === undefined || material === undefined || rest.length > 0) {
    throw new AffiantError("ERR_INPUT_NOTE", "a verifier key is name+id+key");
  }
  assertKeyName(name);
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(material);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_NOTE", "the verifier key is not base64", { cause });
  }
  const [type, ...key] = bytes;
  if (type === undefined || key.length === 0) throw new AffiantError("ERR_INPUT_NOTE", "the verifier key is empty");
  const keyId = noteKeyId(name, type, Uint8Array.from(key));
  if (!/^[0-9a-f]{8}$/.test(id) || parseInt(id, 16) !== keyId) {
    throw new AffiantError("ERR_INPUT_NOTE", "the verifier key's id is not the one of its name and key");
  }
  return { name, keyId, type, key: Uint8Array.from(key) };
}

/** The key part may hold `+` (it is base64), the name and the id may not. */
function splitVerifierKey(vkey: string): string[] {
  const first = vkey.indexOf("+");
  const second = vkey.indexOf("+", first + 1);
  if (first < 0 || second < 0) return [];
  return [vkey.slice(0, first), vkey.slice(first + 1, second), vkey.slice(second + 1)];
}

/**
 * A verifier from an Ed25519 key's text form. Signatures follow the one rule of `ed25519/verify.ts`.
 * @throws AffiantError ERR_INPUT_NOTE, or ERR_INPUT_PUBLIC_KEY for a key that is not canonical or not of prime order
 */
export function ed25519NoteVerifier(vkey: string, verify: Ed25519Verify = verifyStrict): NoteVerifier {
  const { name, keyId, type, key } = parseVerifierKey(vkey);
  if (type !== ed25519NoteType) throw new AffiantError("ERR_INPUT_NOTE", "not an Ed25519 verifier key");
  assertSigningKey(key);
  return { name, keyId, verify: (text, signature) => verify(signature, utf8(text), key) };
}

/** @throws AffiantError ERR_INPUT_NOTE for a bad name, ERR_INPUT_PUBLIC_KEY */
export function formatEd25519VerifierKey(name: string, publicKey: Uint8Array): string {
  assertSigningKey(publicKey);
  return formatVerifierKey(name, ed25519NoteType, publicKey);
}

/**
 * @param sign makes the 64-byte Ed25519 signature of a message; it holds the secret, this does not
 * @throws AffiantError ERR_INPUT_NOTE for a bad name, ERR_INPUT_PUBLIC_KEY
 */
export function ed25519NoteSigner(
  name: string,
  publicKey: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array,
): NoteSigner {
  assertKeyName(name);
  assertSigningKey(publicKey);
  const keyId = noteKeyId(name, ed25519NoteType, publicKey);
  return { name, keyId, sign: (text) => sign(utf8(text)) };
}

function assertKeyName(name: string): void {
  if (!isKeyName(name)) throw new AffiantError("ERR_INPUT_NOTE", "not a name that a note's key can have");
}
