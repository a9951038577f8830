import type { Json } from "../../protocol/json/canonical.ts";

/** Money in an act, as its disclosed values have it. */
export interface Amount {
  readonly value: number;
  /** ISO 4217 where the act names one. */
  readonly currency: string | null;
  /** Where it stands: `input.amountCents`. */
  readonly field: string;
}

/** Names of fields that hold money, the most telling first. */
const names = [
  /^amount/i,
  /^(refund|charge|payment|price|total|fee|cost|sum)([A-Z_]|$)/,
  /(Amount|Price|Total|Fee|Cost|Cents)$/,
  /_(amount|price|total|fee|cost|cents)$/i,
];
const depthLimit = 4;

/**
 * The money that an act asks for, found by the names of the fields of its input: what an output tells may be anybody's
 * balance. A list of parts counts as their sum. Null where no field is called so: absent is not zero.
 */
export function amountOf({ input }: { readonly input?: Json }): Amount | null {
  if (input === undefined) return null;
  for (const name of names) {
    const found = search(input, "input", name, 0, currencyIn(input));
    if (found) return found;
  }
  return null;
}

function search(value: Json, path: string, name: RegExp, depth: number, currency: string | null): Amount | null {
  if (depth > depthLimit || typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) return sumOf(value as readonly Json[], path, name, depth, currency);
  const entries = Object.entries(value as { readonly [key: string]: Json });
  const here = currencyIn(value) ?? currency;
  for (const [key, item] of entries) {
    const number = numberIn(item);
    if (number === null || !name.test(key)) continue;
    const cents = /cents$/i.test(key);
    const [, named] = /(?:^|_)(usd|eur|gbp)(?:_|$)/i.exec(key) ?? [];
    return {
      value: cents ? number / 100 : number,
      currency: here ?? named?.toUpperCase() ?? null,
      field: `${path}.${key}`,
    };
  }
  for (const [key, item] of entries) {
    const found = search(item, `${path}.${key}`, name, depth + 1, here);
    if (found) return found;
  }
  return null;
}

function sumOf(
  items: readonly Json[],
  path: string,
  name: RegExp,
  depth: number,
  currency: string | null,
): Amount | null {
  const found = items.slice(0, 1000).flatMap((item) => search(item, `${path}[]`, name, depth + 1, currency) ?? []);
  const [first] = found;
  if (!first) return null;
  const same = found.filter(({ field }) => field === first.field);
  return { ...first, value: same.reduce((sum, { value }) => sum + value, 0) };
}

function numberIn(value: Json): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^-?\d{1,15}(\.\d{1,6})?$/.test(value) ? Number(value) : null;
}

function currencyIn(value: Json): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { currency } = value as { readonly [key: string]: Json };
  return typeof currency === "string" && /^[A-Z]{3}$/.test(currency) ? currency : null;
}
