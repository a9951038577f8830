import { sha256 } from "@noble/hashes/sha2.js";

import { utf8 } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type Json, toCanonicalJson } from "../../protocol/json/canonical.ts";
import { settle } from "../json/exactJson.ts";

/** A value in a form that can be signed. */
export interface Signable {
  readonly value: Json;
  /** Where a number stands as the text of its literal, since no double holds it (RFC 6901). */
  readonly exactNumbers: readonly string[];
  /** Why it is not the value itself: what stands in its place, or what was mended. */
  readonly remark?: string;
}

/** What an entry may hold of one value. Larger ones are kept by digest; the entry's own limit is the relayer's. */
const maxValueChars = 4 << 20;

/**
 * What came over the wire, as an entry can hold it. Numbers that no double holds stay digit by digit, as text; half
 * characters are replaced; what is nested too deep or too large is kept by the digest of its text. Never throws: an act
 * that happened is entered.
 * @param text the bytes that came, of which the digest is taken where the value cannot stand by itself
 */
export function signable(value: Json, text: string): Signable {
  const byDigest = (remark: string): Signable => ({
    value: { sha256: toHex(sha256(utf8(text.toWellFormed()))), chars: text.length, why: remark },
    exactNumbers: [],
    remark,
  });
  if (text.length > maxValueChars) return byDigest(`larger than ${maxValueChars} characters`);
  try {
    const { value: settled, exactNumbers } = settle(value);
    try {
      toCanonicalJson(settled);
      return { value: settled, exactNumbers };
    } catch (error) {
      if (!isAffiantError(error)) throw error;
      const mended = wellFormed(settled);
      toCanonicalJson(mended);
      return { value: mended, exactNumbers, remark: "half characters were replaced" };
    }
  } catch {
    return byDigest("it has no canonical form (RFC 8785)");
  }
}

function wellFormed(value: Json): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item as Json)]));
}
