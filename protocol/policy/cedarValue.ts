import type { CedarValueJson } from "./cedar.ts";
import type { ValueType } from "./contextSchema.ts";

/** A fact whose value does not fit the type that the schema declares for it. */
export class FactTypeError extends Error {}

/**
 * A JSON value as a Cedar value of the declared type.
 *
 * Cedar has no floating point: a Long takes whole numbers within ±(2^53 - 1), because JSON numbers beyond that are not
 * exact; an amount with cents is declared `decimal` (at most four places) or counted in cents by its fact. JSONata
 * unwraps a list of one, so a Set also takes a single value.
 * @throws FactTypeError
 */
export function toCedarValue(value: unknown, type: ValueType): CedarValueJson {
  switch (type.kind) {
    case "Long":
      if (!Number.isSafeInteger(value)) throw mismatch(value, "a whole number within ±(2^53 - 1)");
      return Object.is(value, -0) ? 0 : (value as number);
    case "String":
      if (typeof value !== "string") throw mismatch(value, "a string");
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
  const record: Record<string, CedarValueJson> = {};
  const unknown = Object.keys(value).find((key) => !type.attributes.has(key));
  if (unknown !== undefined) throw new FactTypeError(`the schema declares no attribute ${JSON.stringify(unknown)}`);
  for (const [name, attribute] of type.attributes) {
    const item: unknown = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    if (item !== undefined && item !== null) record[name] = toCedarValue(item, attribute.type);
    else if (attribute.required) throw new FactTypeError(`the attribute ${name} is missing`);
  }
  return record;
}

function extensionText(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  if (name !== "decimal" || typeof value !== "number") throw mismatch(value, `the text of a Cedar ${name}`);
  // JSON's shortest decimal; an exponent means it is outside of what a Cedar decimal can hold anyway.
  const text = String(value);
  if (!/^-?\d+(\.\d{1,4})?$/.test(text)) throw mismatch(value, "a number of at most four decimal places");
  return text.includes(".") ? text : `${text}.0`;
}

function mismatch(value: unknown, expected: string): FactTypeError {
  const shown = JSON.stringify(value) ?? String(value);
  return new FactTypeError(`${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown} is not ${expected}`);
}
