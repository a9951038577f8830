import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Json } from "../../../protocol/json/canonical.ts";

/** Reads the fields of requests between the shop's agents. All throw AffiantError ERR_INPUT_MALFORMED. */
export function objectIn(value: Json | undefined, what: string): Readonly<Record<string, Json>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, Json>>;
  }
  throw new AffiantError("ERR_INPUT_MALFORMED", `${what} is not an object`);
}

export function textIn(value: Json | undefined, what: string): string {
  if (typeof value === "string" && value.length <= 200) return value;
  throw new AffiantError("ERR_INPUT_MALFORMED", `${what} is not a text of at most 200 characters`);
}

export function wholeIn(value: Json | undefined, what: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new AffiantError("ERR_INPUT_MALFORMED", `${what} is not a whole number`);
}

export function listIn(value: Json | undefined, what: string): readonly Json[] {
  if (Array.isArray(value) && value.length <= 100) return value as readonly Json[];
  throw new AffiantError("ERR_INPUT_MALFORMED", `${what} is not a list of at most 100`);
}

/** An order id is also the thread of its entries, which allows these characters. */
export function orderIdIn(value: Json | undefined): string {
  const text = textIn(value, "orderId");
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(text)) return text;
  throw new AffiantError("ERR_INPUT_MALFORMED", "orderId is not 1 to 64 of A-Z a-z 0-9 _ . -");
}
