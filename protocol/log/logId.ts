import { keccak_256 } from "@noble/hashes/sha3.js";

import { utf8 } from "../encoding/bytes.ts";
import { type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";

/** EIP-712 style type of a log's id; `contracts/LogAnchor.sol` hashes the same text. */
export const logType = "Log(string origin)";

/** Characters of an origin, at most; the contract holds to the same limit. */
export const maxOriginLength = 255;

/**
 * Whether a text can name a log of ours: 1 to 255 characters of printable ASCII without space and `+`, as the contract
 * demands it. So an origin can always be the key name in a signed note and has one spelling. Other people's checkpoints
 * may have origins that are not of this form.
 */
export function isLogOrigin(origin: string): boolean {
  return origin.length <= maxOriginLength && /^[!-*,-~]+$/.test(origin);
}

/**
 * keccak256(abi.encode(LOG_TYPEHASH, keccak256(bytes(origin)))): the log's name on chain, 32 bytes.
 * @throws AffiantError ERR_INPUT_NOTE for a text that can name no log
 */
export function logIdOf(origin: string): Hex {
  if (!isLogOrigin(origin)) throw new AffiantError("ERR_INPUT_NOTE", "not an origin that can name a log");
  const words = new Uint8Array(64);
  words.set(keccak_256(utf8(logType)), 0);
  words.set(keccak_256(utf8(origin)), 32);
  return toHex(keccak_256(words));
}
