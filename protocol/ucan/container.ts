import { base64, base64nopad, base64urlnopad } from "@scure/base";

import { fromUtf8 } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { decodeIpld, isIpldMap } from "./ipld.ts";
import { maxTokenBytes } from "./envelope.ts";

/** Unpacks gzip (RFC 1952). Throws for what is none, and for more than `maxBytes`. */
export type Gunzip = (bytes: Uint8Array, maxBytes: number) => Uint8Array;

/** A container holds a chain and what invokes it. */
const maxTokens = 64;
const maxContainerBytes = maxTokens * maxTokenBytes;

/** UCAN container 0.1, section 2.2: the first byte says how the rest is written. */
const containerForms: Readonly<Record<number, { readonly base?: "std" | "url"; readonly isPacked: boolean }>> = {
  0x40: { isPacked: false },
  0x42: { base: "std", isPacked: false },
  0x43: { base: "url", isPacked: false },
  0x4d: { isPacked: true },
  0x4f: { base: "std", isPacked: true },
  0x50: { base: "url", isPacked: true },
};

/**
 * The tokens in what other tools write: a UCAN container in any of its forms, one token as bytes, or one as text in base64 or
 * base64url, with multibase's prefix (`m`, `u`) or without. What a token says is for others to read.
 * @returns at least one token, as DAG-CBOR
 * @throws AffiantError ERR_INPUT_UCAN
 */
export function readTokens(bytes: Uint8Array, gunzip: Gunzip): readonly [Uint8Array, ...Uint8Array[]] {
  if (bytes.length > maxContainerBytes) fail(`more than ${maxContainerBytes} bytes`);
  const [first = 0, second] = bytes;
  // 0x82: a pair of signature and signed part. 0xa1: a container's map without the byte before it.
  if (first === 0x82) return [bytes];
  if (first === 0xa1) return tokensOfMap(bytes);
  const form = containerForms[first];
  // No token's text begins so: base64 of 0x82 begins with "g".
  if (form === undefined || (form.base === undefined && form.isPacked && second !== 0x1f)) return [tokenOfText(bytes)];
  const rest = bytes.subarray(1);
  const packed = form.base === undefined ? rest : decoded(textOf(rest), form.base);
  return tokensOfMap(form.isPacked ? unpacked(packed, gunzip) : packed);
}

function tokensOfMap(bytes: Uint8Array): readonly [Uint8Array, ...Uint8Array[]] {
  const map = decodeIpld(bytes);
  const tokens = isIpldMap(map) && Object.keys(map).length === 1 ? map["ctn-v1"] : undefined;
  if (!Array.isArray(tokens) || tokens.length > maxTokens)
    return fail(`not a map of at most ${maxTokens} tokens under ctn-v1`);
  const [first, ...others] = (tokens as readonly unknown[]).map((token) =>
    token instanceof Uint8Array ? token : fail("a token in a container is bytes"),
  );
  return first === undefined ? fail("the container is empty") : [first, ...others];
}

function tokenOfText(bytes: Uint8Array): Uint8Array {
  const text = textOf(bytes);
  if (text === "") return fail("the file is empty");
  // A token's own text begins with "g"; multibase's prefix stands before it.
  if (text.startsWith("ug")) return decoded(text.slice(1), "url");
  if (text.startsWith("mg") || text.startsWith("Mg")) return decoded(text.slice(1), "std");
  if (text.startsWith("ey")) return fail("a JWT of UCAN before 1.0, which is not read");
  return decoded(text, /[+/=]/.test(text) ? "std" : "url");
}

function decoded(text: string, base: "std" | "url"): Uint8Array {
  try {
    if (base === "url") return base64urlnopad.decode(text);
    return text.endsWith("=") ? base64.decode(text) : base64nopad.decode(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_UCAN", "neither a UCAN token nor a container of them", { cause });
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes).trim();
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_UCAN", "neither a UCAN token nor a container of them", { cause });
  }
}

function unpacked(bytes: Uint8Array, gunzip: Gunzip): Uint8Array {
  try {
    return gunzip(bytes, maxContainerBytes);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_UCAN", "the container is not gzip, or holds too much", { cause });
  }
}

function fail(message: string): never {
  throw new AffiantError("ERR_INPUT_UCAN", message);
}
