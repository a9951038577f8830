/** Control characters, line separators, and what turns the direction of text: C0, DEL, C1, U+2028/9, bidi controls. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A copy of a value in which every text can be printed on a terminal. The report quotes rules, facts and names that a
 * liar wrote; an escape sequence in one of them could paint over a verdict that fails.
 */
export function printable<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replaceAll(unprintable, (char) =>
      char === "\n" ? " " : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  }
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
}
