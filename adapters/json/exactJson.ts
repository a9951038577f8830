import { parse } from "lossless-json";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";

/** A number as it was written, where no IEEE 754 double holds it: `1000000000000000001`, `1e400`. */
export class ExactNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }

  /** Beyond what a double can come near: it would be read as infinity. */
  get isBeyondRange(): boolean {
    return !Number.isFinite(Number(this.literal));
  }
}

/** JSON as it was read: `value` may hold `ExactNumber` where a number stands. `settle` makes plain JSON of it. */
export interface ExactJson {
  readonly value: Json;
  /** Names that an object holds twice with different values, in the order found; the last value is in `value`. */
  readonly repeatedKeys: readonly string[];
}

/** Plain JSON, in which numbers that no double holds stand as the text of their literals. */
export interface SettledJson<T extends Json = Json> {
  readonly value: T;
  /** Where such a number stands (RFC 6901 pointers into `value`). */
  readonly exactNumbers: readonly string[];
  /** Those of them that are beyond a double's range. */
  readonly beyondRange: readonly string[];
}

const maxDepth = 1_000;

/**
 * Parses JSON without changing a digit. `JSON.parse` reads 1000000000000000001 as 1000000000000000000 and keeps the last
 * of two equal keys; what is signed must be what was sent.
 * @throws SyntaxError when it is not JSON
 */
export function parseExactJson(text: string): ExactJson {
  const repeatedKeys: string[] = [];
  try {
    const value = parse(text, null, {
      parseNumber: (literal) => (isHeldByDouble(literal) ? Number(literal) : new ExactNumber(literal)),
      onDuplicateKey: ({ key, newValue }) => {
        repeatedKeys.push(key);
        return newValue;
      },
    }) as Json;
    return { value, repeatedKeys };
  } catch (cause) {
    if (cause instanceof RangeError) throw new SyntaxError("nested too deep", { cause });
    throw cause;
  }
}

/**
 * Whether a double gives the number's decimal digits back: 0.1 and 1e21 are held, 9007199254740993 and 1e400 are not.
 * @param literal a JSON number (RFC 8259, section 6)
 */
export function isHeldByDouble(literal: string): boolean {
  const value = Number(literal);
  return Number.isFinite(value) && decimalOf(literal) === decimalOf(String(value));
}

/** Significant digits and exponent, so that 1.50, 15e-1 and 1.5 are equal. */
function decimalOf(literal: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`;
  const first = digits.search(/[1-9]/);
  if (first < 0) return "0";
  const significant = withoutTrailingZeros(digits.slice(first));
  // The power of ten of the first significant digit.
  return `${sign}${significant}e${Number(exponent) + whole.length - first}`;
}

/** In one pass from the end: a pattern such as /0+$/ is tried at each zero, in quadratic time. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}

/**
 * @param value what `parseExactJson` gave, or a part of it
 * @throws AffiantError ERR_INPUT_MALFORMED when it is nested deeper than 1,000
 */
export function settle<T extends Json>(value: T): SettledJson<T> {
  const exactNumbers: string[] = [];
  const beyondRange: string[] = [];
  const settled = walk(value, "", 0, (pointer, number) => {
    exactNumbers.push(pointer);
    if (number.isBeyondRange) beyondRange.push(pointer);
  });
  return { value: settled as T, exactNumbers, beyondRange };
}

type OnExact = (pointer: string, number: ExactNumber) => void;

function walk(value: Json, pointer: string, depth: number, onExact: OnExact): Json {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof ExactNumber) {
    onExact(pointer, value);
    return value.literal;
  }
  if (depth > maxDepth) throw new AffiantError("ERR_INPUT_MALFORMED", `nested deeper than ${maxDepth}`);
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((item, index) => walk(item, `${pointer}/${index}`, depth + 1, onExact));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const step = key.replaceAll("~", "~0").replaceAll("/", "~1");
      return [key, walk(item as Json, `${pointer}/${step}`, depth + 1, onExact)];
    }),
  );
}

/** The text with Python's `NaN`, `Infinity` and `-Infinity`, which are no JSON, as strings. Strings stay as they are. */
export function quoteNonNumbers(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs, (found) =>
    found.startsWith('"') ? found : `"${found}"`,
  );
}
