import type { CedarValueJson } from "./cedar.ts";
import type { ValueType } from "./contextSchema.ts";
import { cedarTextOf } from "./extensionText.ts";

/** A fact whose value does not fit the type that the schema declares for it. */
export class FactTypeError extends Error {}

/**
 * A JSON value as a Cedar value of the declared type.
 *
 * Cedar has no floating point: a Long takes whole numbers within ±(2^53 - 1), because JSON numbers beyond that are not
 * exact; an amount with cents is declared `decimal` (at most four places) or counted in cents by its fact. A number is
 * taken as JSONata prints it, with 15 significant digits, where these show at least one place more than the type holds:
 * 0.1 + 0.2 is 0.3, and nothing that really has a further place is rounded. JSONata unwraps a list of one, so a Set also
 * takes a single value.
 *
 * What Cedar could not read is found here, value by value: one that it refused would fail its whole request.
 * @throws FactTypeError
 */
export function toCedarValue(value: unknown, type: ValueType): CedarValueJson {
  switch (type.kind) {
    case "Long":
      return wholeNumber(value);
    case "String":
      if (typeof value !== "string") throw mismatch(value, "a string");
      if (!value.isWellFormed()) throw new FactTypeError("the text holds half a character (a lone surrogate)");
      return value;
    case "Boolean":
      if (typeof value !== "boolean") throw mismatch(value, "true or false");
      return value;
    case "Extension":
      return { __extn: { fn: type.name, arg: extensionText(value, type.name) } };
    case "Set":
      return (Array.isArray(value) ? value : [value]).map((item) => toCedarValue(item, type.element));
    case "Record":
      return toCedarRecord(value, type);
  }
}

function toCedarRecord(value: unknown, type: Extract<ValueType, { kind: "Record" }>): CedarValueJson {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw mismatch(value, "an object");
  const record: [string, CedarValueJson][] = [];
  const unknown = Object.keys(value).find((key) => !type.attributes.has(key));
  if (unknown !== undefined) throw new FactTypeError(`the schema declares no attribute ${JSON.stringify(unknown)}`);
  for (const [name, attribute] of type.attributes) {
    const item: unknown = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    if (item !== undefined && item !== null) record.push([name, toCedarValue(item, attribute.type)]);
    else if (attribute.required) throw new FactTypeError(`the attribute ${name} is missing`);
  }
  return Object.fromEntries(record);
}

function wholeNumber(value: unknown): number {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return Object.is(value, -0) ? 0 : value;
    const printed = Math.abs(value) < 1e14 ? asPrinted(value) : value;
    if (Number.isSafeInteger(printed)) return Object.is(printed, -0) ? 0 : printed;
  }
  throw mismatch(value, "a whole number within ±(2^53 - 1)");
}

function extensionText(value: unknown, name: string): string {
  if (name === "decimal" && typeof value === "number") return decimalOf(value);
  const text = typeof value === "string" ? cedarTextOf(name, value) : undefined;
  if (text === undefined) throw mismatch(value, `the text of a Cedar ${name}`);
  return text;
}

function decimalOf(value: number): string {
  const exact = cedarTextOf("decimal", String(value));
  const text = exact ?? (Math.abs(value) < 1e10 ? cedarTextOf("decimal", String(asPrinted(value))) : undefined);
  if (text === undefined) throw mismatch(value, "a number of at most four decimal places");
  return text;
}

/** JSONata's `$string` rounds to 15 significant digits, which takes away the noise of binary fractions. */
function asPrinted(value: number): number {
  return Number(value.toPrecision(15));
}

function mismatch(value: unknown, expected: string): FactTypeError {
  const shown = JSON.stringify(value) ?? String(value);
  return new FactTypeError(`${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown} is not ${expected}`);
}
