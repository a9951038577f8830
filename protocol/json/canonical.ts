import canonicalize from "canonicalize";

import { fromUtf8, utf8 } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * RFC 8785 (JCS) text of a JSON value.
 * @throws AffiantError ERR_INPUT_MALFORMED for what JSON cannot say (undefined, NaN, functions, lone surrogates, cycles)
 */
export function toCanonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the value has no JSON form", { cause });
  }
  if (text === undefined) throw new AffiantError("ERR_INPUT_MALFORMED", "the value has no JSON form");
  if (!text.isWellFormed()) throw new AffiantError("ERR_INPUT_MALFORMED", "the value holds a lone surrogate");
  return text;
}

/**
 * Parses JSON that must already be in RFC 8785 form, byte for byte. This rejects duplicate keys, other number
 * spellings and stray white space, so that equal documents are equal bytes.
 * @throws AffiantError ERR_INPUT_ENCODING
 */
export function parseCanonicalJson(source: string | Uint8Array): Json {
  let text: string;
  let value: Json;
  try {
    text = typeof source === "string" ? source : fromUtf8(source);
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_ENCODING", "not JSON in UTF-8", { cause });
  }
  if (!isCanonical(value, text)) {
    throw new AffiantError("ERR_INPUT_ENCODING", "JSON that is not in RFC 8785 form");
  }
  return value;
}

function isCanonical(value: Json, text: string): boolean {
  try {
    return isPlainlyCanonical(value, text) || canonicalize(value) === text;
  } catch {
    // What JSON.parse lets through and RFC 8785 has no form for: 1e400, escaped lone surrogates, bottomless nesting.
    return false;
  }
}

/**
 * The cheap way to see that a text is canonical: the engine writes it again byte for byte and every object's keys are in
 * order. False means "not seen": the full check decides (keys that look like numbers, escapes of surrogates).
 */
function isPlainlyCanonical(value: Json, text: string): boolean {
  return !text.includes("\\u") && hasSortedKeys(value) && JSON.stringify(value) === text;
}

function hasSortedKeys(value: Json): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return (value as readonly Json[]).every(hasSortedKeys);
  let before: string | undefined;
  for (const key of Object.keys(value)) {
    if (before !== undefined && !(before < key)) return false;
    before = key;
    if (!hasSortedKeys((value as { readonly [key: string]: Json })[key] as Json)) return false;
  }
  return true;
}

export function canonicalJsonBytes(value: unknown): Uint8Array {
  return utf8(toCanonicalJson(value));
}
