import { sha256 } from "@noble/hashes/sha2.js";
import { LRUCache } from "lru-cache";

import { parseKeyDid, formatKeyDid } from "../did/key.ts";
import { fromBase64url, toBase64url } from "../encoding/base64url.ts";
import { utf8 } from "../encoding/bytes.ts";
import { type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { canonicalJsonBytes, parseCanonicalJson } from "../json/canonical.ts";
import type { EntryClaims } from "./claims.ts";
import { checkEntryClaims } from "./checkClaims.ts";

/** A leaf of the log: the compact JWS of an entry, ASCII, without disclosures. */
export const maxLeafBytes = 65_535;

export const entryType = "affiant-entry+sd-jwt";

export interface DecodedEntry {
  readonly claims: EntryClaims;
  /** 32 bytes, from the header's `kid` (a did:key). */
  readonly publicKey: Uint8Array;
  /** 64 bytes. Not verified by decoding. */
  readonly signature: Uint8Array;
  /** The bytes under the signature: ASCII `header.payload`. */
  readonly signingInput: Uint8Array;
  readonly leaf: string;
  readonly entryId: Hex;
}

/** SHA-256 over the leaf bytes. */
export function entryIdOf(leaf: string): Hex {
  return toHex(sha256(utf8(leaf)));
}

/**
 * ASCII `header.payload` to be signed with Ed25519 (RFC 7515 §5.1, RFC 8037).
 * @throws AffiantError ERR_INPUT_ENTRY for claims that break the format, ERR_INPUT_PUBLIC_KEY
 */
export function entrySigningInput(claims: EntryClaims, publicKey: Uint8Array): string {
  checkEntryClaims(claims);
  const header = { alg: "EdDSA", kid: formatKeyDid(publicKey), typ: entryType };
  return `${toBase64url(canonicalJsonBytes(header))}.${toBase64url(canonicalJsonBytes(claims))}`;
}

/** @throws AffiantError ERR_LIMIT_ENTRY_SIZE */
export function assembleLeaf(signingInput: string, signature: Uint8Array): string {
  const leaf = `${signingInput}.${toBase64url(signature)}`;
  assertLeafSize(leaf);
  return leaf;
}

/** What a leaf says, without the digests over it. */
export interface ReadLeaf {
  readonly claims: EntryClaims;
  /** 32 bytes, from the header's `kid` (a did:key). */
  readonly publicKey: Uint8Array;
  /** 64 bytes. Not verified by reading. */
  readonly signature: Uint8Array;
  /** Of the ASCII `header.payload` under the signature, with which the leaf begins. */
  readonly signingInputLength: number;
}

/**
 * Reads a leaf strictly: every part in its one canonical encoding, no claim unknown, none missing. Two different leaves
 * therefore never decode to the same entry.
 * @param decode strict base64url; programs that read in bulk pass a native one
 * @throws AffiantError ERR_LIMIT_ENTRY_SIZE, ERR_INPUT_ENTRY, ERR_INPUT_ENCODING, ERR_INPUT_DID, ERR_INPUT_PUBLIC_KEY
 */
export function readLeaf(leaf: string, decode: (text: string) => Uint8Array = fromBase64url): ReadLeaf {
  assertLeafSize(leaf);
  const first = leaf.indexOf(".");
  const second = leaf.indexOf(".", first + 1);
  if (first <= 0 || second <= first + 1 || second === leaf.length - 1 || leaf.includes(".", second + 1)) {
    throw new AffiantError("ERR_INPUT_ENTRY", "a leaf is a compact JWS of three parts");
  }
  const publicKey = readHeader(leaf.slice(0, first));
  const claims = parseCanonicalJson(decode(leaf.slice(first + 1, second))) as unknown;
  checkEntryClaims(claims);
  const signature = decode(leaf.slice(second + 1));
  if (signature.length !== 64) throw new AffiantError("ERR_INPUT_ENTRY", "an Ed25519 signature has 64 bytes");
  return { claims, publicKey, signature, signingInputLength: second };
}

/**
 * Reads a leaf as {@link readLeaf} does, and takes its digest.
 * @param hash SHA-256; programs that read in bulk pass a native one
 * @throws AffiantError ERR_LIMIT_ENTRY_SIZE, ERR_INPUT_ENTRY, ERR_INPUT_ENCODING, ERR_INPUT_DID, ERR_INPUT_PUBLIC_KEY
 */
export function decodeLeaf(leaf: string, hash: (bytes: Uint8Array) => Uint8Array = sha256): DecodedEntry {
  const { claims, publicKey, signature, signingInputLength } = readLeaf(leaf);
  const bytes = utf8(leaf);
  const signingInput = bytes.subarray(0, signingInputLength);
  return { claims, publicKey, signature, signingInput, leaf, entryId: toHex(hash(bytes)) };
}

/** An agent's header is the same in all its entries. */
const headers = new LRUCache<string, Uint8Array>({ max: 4096 });

function readHeader(headerText: string): Uint8Array {
  let publicKey = headers.get(headerText);
  if (!publicKey) {
    publicKey = parseHeader(headerText);
    headers.set(headerText, publicKey);
  }
  return publicKey;
}

function parseHeader(headerText: string): Uint8Array {
  const header = parseCanonicalJson(fromBase64url(headerText)) as { kid?: unknown } | null;
  if (typeof header?.kid !== "string") throw new AffiantError("ERR_INPUT_ENTRY", "the entry's header names no key");
  const publicKey = parseKeyDid(header.kid);
  const expected = toBase64url(canonicalJsonBytes({ alg: "EdDSA", kid: header.kid, typ: entryType }));
  if (headerText !== expected)
    throw new AffiantError("ERR_INPUT_ENTRY", "the entry's header is not the prescribed one");
  return publicKey;
}

function assertLeafSize(leaf: string): void {
  if (leaf.length > maxLeafBytes) {
    throw new AffiantError("ERR_LIMIT_ENTRY_SIZE", `a leaf has at most ${maxLeafBytes} bytes, this one ${leaf.length}`);
  }
}
