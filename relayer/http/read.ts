import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * A whole number in a query or path, in its one spelling.
 * @throws AffiantError ERR_INPUT_MALFORMED
 */
export function readWhole(value: unknown, name: string, fallback?: number, max = Number.MAX_SAFE_INTEGER): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value !== "string" || !/^(0|[1-9]\d{0,15})$/.test(value) || Number(value) > max) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `${name} must be a whole number from 0 to ${max}`);
  }
  return Number(value);
}

/** @throws AffiantError ERR_INPUT_ENCODING */
export function readHash(value: unknown): Uint8Array {
  return fromHex(String(value), 32);
}

/** @returns lower case. @throws AffiantError ERR_INPUT_ENCODING */
export function readAddress(value: unknown): Hex {
  return toHex(fromHex(String(value), 20));
}
