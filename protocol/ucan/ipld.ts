import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { create as createDigest } from "multiformats/hashes/digest";
import { sha256 } from "@noble/hashes/sha2.js";

import { bytesEqual } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { measureCbor } from "./measureCbor.ts";
import type { StepBudget } from "./stepBudget.ts";

/** A value of the IPLD data model. Integers outside ±2^53 arrive as bigint. */
export type Ipld =
  null | boolean | number | bigint | string | Uint8Array | CID | readonly Ipld[] | { readonly [key: string]: Ipld };

export type IpldMap = { readonly [key: string]: Ipld };

const sha256Code = 0x12;

/** Lists and maps within each other. Encoders take time with the product of depth and size, and run out of stack. */
export const maxIpldDepth = 64;

export function encodeIpld(value: Ipld): Uint8Array {
  try {
    return dagCbor.encode(value);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_UCAN", "the value has no DAG-CBOR form", { cause });
  }
}

/**
 * Decodes DAG-CBOR that must be in its canonical form: what we would encode is what we were given. A token then has one
 * spelling, so its CID names it and nothing else does.
 * @throws AffiantError ERR_INPUT_UCAN
 */
export function decodeIpld(bytes: Uint8Array): Ipld {
  if (measureCbor(bytes).depth > maxIpldDepth) {
    throw new AffiantError("ERR_INPUT_UCAN", `lists and maps are at most ${maxIpldDepth} within each other`);
  }
  let value: Ipld;
  try {
    value = dagCbor.decode<Ipld>(bytes);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_UCAN", "not DAG-CBOR", { cause });
  }
  if (!bytesEqual(encodeIpld(value), bytes)) throw new AffiantError("ERR_INPUT_UCAN", "DAG-CBOR that is not canonical");
  return value;
}

/** CIDv1, dag-cbor, SHA-256 of the bytes. */
export function cidOf(bytes: Uint8Array): CID {
  return CID.createV1(dagCbor.code, createDigest(sha256Code, sha256(bytes)));
}

export function isIpldMap(value: Ipld | undefined): value is IpldMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    CID.asCID(value) === null
  );
}

/**
 * Deep equality of the data model: numbers by value, maps without regard to order.
 * @throws AffiantError ERR_LIMIT_CALL_WORK if the budget does not suffice for looking
 */
export function ipldEqual(a: Ipld, b: Ipld, budget: StepBudget): boolean {
  budget.spend();
  if (typeof a === "string" && typeof b === "string") {
    if (a.length !== b.length) return false;
    budget.spendOnLength(a.length);
    return a === b;
  }
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return a == b; // eslint-disable-line eqeqeq -- 1n == 1: kinds of number are one here
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    budget.spendOnLength(Math.min(a.length, b.length));
    return bytesEqual(a, b);
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: Ipld, i) => ipldEqual(item, b[i] as Ipld, budget));
  }
  if (isIpldMap(a) && isIpldMap(b)) {
    const keys = Object.keys(a);
    budget.spend(keys.length);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && ipldEqual(a[key] as Ipld, b[key] as Ipld, budget))
    );
  }
  const cid = CID.asCID(a);
  return cid !== null && cid.equals(CID.asCID(b));
}

export function isNumber(value: Ipld | undefined): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}
