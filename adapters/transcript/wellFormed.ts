import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";

const maxDepth = 200;

/**
 * The value with each lone surrogate replaced by U+FFFD: text cut in the middle of a character has no UTF-8 form, so it
 * could not be signed. The very same value comes back when there is nothing to replace.
 * @throws AffiantError ERR_INPUT_FILE when it is nested too deep to be walked
 */
export function wellFormed<T extends Json>(value: T, onBroken: () => void, where: string): T {
  if (isWellFormed(value, 0, where)) return value;
  onBroken();
  return repaired(value) as T;
}

function isWellFormed(value: Json, depth: number, where: string): boolean {
  if (depth > maxDepth) throw new AffiantError("ERR_INPUT_FILE", `${where}: nested deeper than ${maxDepth}`);
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(
    ([key, item]) => key.isWellFormed() && isWellFormed(item as Json, depth + 1, where),
  );
}

function repaired(value: Json): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(repaired);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), repaired(item as Json)]));
}
