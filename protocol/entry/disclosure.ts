import { sha256 } from "@noble/hashes/sha2.js";

import { fromBase64url, toBase64url } from "../encoding/base64url.ts";
import { utf8 } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { canonicalJsonBytes, type Json, parseCanonicalJson } from "../json/canonical.ts";

/** The disclosable parts of an entry. `context` is what the agent knew or said beside the call. */
export const disclosureNames = ["context", "input", "output"] as const;
export type DisclosureName = (typeof disclosureNames)[number];

export interface Disclosure {
  readonly name: DisclosureName;
  readonly value: Json;
  /** 16 random bytes or more, base64url: without it a digest of a guessable value could be guessed. */
  readonly salt: string;
}

/** The SD-JWT disclosure text: base64url(JCS([salt, name, value])) (RFC 9901 §4.2.1). */
export function encodeDisclosure(disclosure: Disclosure): string {
  return toBase64url(canonicalJsonBytes([disclosure.salt, disclosure.name, disclosure.value]));
}

/** SHA-256 over the ASCII disclosure text, base64url (RFC 9901 §4.2.3). */
export function disclosureDigest(encoded: string): string {
  return toBase64url(sha256(utf8(encoded)));
}

/** @throws AffiantError ERR_INPUT_DISCLOSURE */
export function decodeDisclosure(encoded: string): Disclosure {
  let parts: Json;
  try {
    parts = parseCanonicalJson(fromBase64url(encoded));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_DISCLOSURE", "the disclosure is not base64url of canonical JSON", { cause });
  }
  if (!Array.isArray(parts) || parts.length !== 3) {
    throw new AffiantError("ERR_INPUT_DISCLOSURE", "a disclosure is an array of salt, name and value");
  }
  const [salt, name, value] = parts as unknown as readonly [Json, Json, Json];
  if (typeof salt !== "string" || !/^[A-Za-z0-9_-]{22,86}$/.test(salt)) {
    throw new AffiantError("ERR_INPUT_DISCLOSURE", "the salt is not base64url of at least 16 bytes");
  }
  if (!disclosureNames.includes(name as DisclosureName)) {
    throw new AffiantError("ERR_INPUT_DISCLOSURE", `no disclosure is named ${JSON.stringify(name)}`);
  }
  return { salt, name: name as DisclosureName, value };
}

/**
 * Matches disclosures to an entry's digests.
 * @returns the values by name; names whose disclosure was withheld are absent
 * @throws AffiantError ERR_INPUT_DISCLOSURE for one that the entry does not commit to, or a name given twice
 */
export function openDisclosures(
  digests: readonly string[],
  encoded: readonly string[],
): Partial<Record<DisclosureName, Json>> {
  const opened: Partial<Record<DisclosureName, Json>> = {};
  for (const text of encoded) {
    const { name, value } = decodeDisclosure(text);
    if (!digests.includes(disclosureDigest(text))) {
      throw new AffiantError("ERR_INPUT_DISCLOSURE", `the entry does not commit to this ${name}`);
    }
    if (name in opened) throw new AffiantError("ERR_INPUT_DISCLOSURE", `${name} is disclosed twice`);
    opened[name] = value;
  }
  return opened;
}
