import { AffiantError } from "../errors/affiantError.ts";
import type { Json } from "./canonical.ts";

/**
 * JSON, or what is JSON once it is written: TypeScript's interfaces have no index signature and are no `Json` to the
 * compiler. What it holds is looked at when it is used ({@link jsonOf}).
 */
export type Recordable = Json | object;

const maxDepth = 1_000;

/**
 * A value as the JSON that it says. Members that are `undefined` are left out and `toJSON` is asked, as `JSON.stringify` does; what
 * `JSON.stringify` would change in silence (a Map into `{}`, NaN into null, a function into nothing) is refused.
 * @throws AffiantError ERR_INPUT_MALFORMED naming the place (RFC 6901)
 */
export function jsonOf(value: unknown): Json {
  return walk(value, "", 0);
}

function walk(value: unknown, pointer: string, depth: number): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw noJson(pointer, String(value));
  }
  if (typeof value !== "object") throw noJson(pointer, `a value of type ${typeof value}`);
  if (depth > maxDepth) throw noJson("", `what is nested deeper than ${maxDepth}, or holds itself`);
  if (Array.isArray(value)) {
    // By index: a hole in an array is no JSON either.
    return Array.from(value, (item: unknown, index) => walk(item, `${pointer}/${index}`, depth + 1));
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    return walk((value as { toJSON(): unknown }).toJSON(), pointer, depth + 1);
  }
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (tag !== "Object") throw noJson(pointer, `a ${tag}`);
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(members.map(([key, item]) => [key, walk(item, `${pointer}/${stepOf(key)}`, depth + 1)]));
}

function stepOf(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function noJson(pointer: string, what: string): AffiantError {
  return new AffiantError("ERR_INPUT_MALFORMED", `${what} has no JSON form${pointer === "" ? "" : ` (at ${pointer})`}`);
}
