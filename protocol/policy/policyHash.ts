import { sha256 } from "@noble/hashes/sha2.js";

import { type Hex, toHex } from "../encoding/hex.ts";
import { canonicalJsonBytes } from "../json/canonical.ts";
import type { PolicyBundle } from "./types.ts";

/** SHA-256 of the bundle's RFC 8785 form, 32 bytes: what `PolicyRegistry` stores and every entry names. */
export function policyHashOf(bundle: PolicyBundle): Hex {
  return toHex(sha256(canonicalJsonBytes(bundle)));
}
