import { escapeControls } from "../../protocol/text/escapeControls.ts";

/**
 * A copy of a value in which every text can be printed on a terminal. The report quotes rules, facts and names that a
 * liar wrote; an escape sequence in one of them could paint over a verdict that fails.
 */
export function printable<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === "string") return escapeControls(value.replaceAll("\n", " "));
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
}
