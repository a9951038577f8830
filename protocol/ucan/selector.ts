import { AffiantError } from "../errors/affiantError.ts";
import { type Ipld, type IpldMap, isIpldMap } from "./ipld.ts";
import type { StepBudget } from "./stepBudget.ts";

/**
 * A UCAN selector (UCAN Delegation §Selectors): the jq-like path into an invocation's arguments.
 * Each step may be optional (`?`): where it cannot be taken, the whole selection is then null instead of a failure.
 */
type Step =
  | { readonly kind: "field"; readonly name: string; readonly optional: boolean }
  | { readonly kind: "index"; readonly index: number; readonly optional: boolean }
  | {
      readonly kind: "slice";
      readonly from: number | undefined;
      readonly to: number | undefined;
      readonly optional: boolean;
    }
  | { readonly kind: "values"; readonly optional: boolean };

export type Selector = readonly Step[];

export type Selection = { readonly found: true; readonly value: Ipld } | { readonly found: false };

const step =
  /\.(?<field>[A-Za-z_][A-Za-z0-9_]*)(?<o1>\?*)|\.?\[(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<index>-?\d{1,9})|(?<from>-?\d{1,9})?:(?<to>-?\d{1,9})?|)\](?<o2>\?*)/y;

/** @throws AffiantError ERR_INPUT_UCAN for a text that is no selector; nothing is skipped or guessed */
export function parseSelector(text: string): Selector {
  if (text === "." || text === ".?") return [];
  const steps: Step[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < text.length) {
    const at = step.lastIndex;
    const match = step.exec(text);
    if (!match?.groups || (at === 0 && text[0] !== ".")) throw malformed(text);
    if (at > 0 && match[0].startsWith(".[")) throw malformed(text);
    steps.push(toStep(match[0], match.groups));
  }
  if (steps.length === 0) throw malformed(text);
  return steps;
}

function toStep(text: string, groups: Record<string, string | undefined>): Step {
  const optional = Boolean(groups["o1"] || groups["o2"]);
  if (groups["field"] !== undefined) return { kind: "field", name: groups["field"], optional };
  if (groups["quoted"] !== undefined) return { kind: "field", name: unquote(groups["quoted"]), optional };
  if (groups["index"] !== undefined) return { kind: "index", index: Number(groups["index"]), optional };
  if (!text.includes(":")) return { kind: "values", optional };
  const bound = (digits: string | undefined): number | undefined => (digits === undefined ? undefined : Number(digits));
  return { kind: "slice", from: bound(groups["from"]), to: bound(groups["to"]), optional };
}

function unquote(inner: string): string {
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_UCAN", "a quoted field name is not a JSON string", { cause });
  }
}

function malformed(text: string): AffiantError {
  return new AffiantError("ERR_INPUT_UCAN", `not a selector: ${JSON.stringify(text.slice(0, 80))}`);
}

/**
 * Resolves from left to right. A key missing in a map selects null, as the specification demands.
 * @throws AffiantError ERR_LIMIT_CALL_WORK if the budget does not suffice
 */
export function select(root: Ipld, selector: Selector, budget: StepBudget): Selection {
  let value = root;
  for (const current of selector) {
    budget.spend();
    const next = take(value, current, budget);
    if (!next.found) return current.optional ? { found: true, value: null } : next;
    value = next.value;
  }
  return { found: true, value };
}

const nothing: Selection = { found: false };

function take(value: Ipld, current: Step, budget: StepBudget): Selection {
  switch (current.kind) {
    case "field":
      if (!isIpldMap(value)) return nothing;
      return { found: true, value: Object.hasOwn(value, current.name) ? (value[current.name] as Ipld) : null };
    case "values":
      if (Array.isArray(value)) return { found: true, value: value as Ipld };
      if (!isIpldMap(value)) return nothing;
      return { found: true, value: valuesOf(value, budget) };
    case "index": {
      // Bytes are selected into as an array of numbers (UCAN Delegation §Selecting on Bytes).
      if (!(value instanceof Uint8Array) && !Array.isArray(value)) return nothing;
      const item = (value as Uint8Array | readonly Ipld[]).at(current.index);
      return item === undefined ? nothing : { found: true, value: item };
    }
    case "slice": {
      if (!(value instanceof Uint8Array) && !Array.isArray(value)) return nothing;
      const part = (value as Uint8Array | readonly Ipld[]).slice(current.from, current.to);
      budget.spendOnLength(part.length);
      return { found: true, value: part };
    }
  }
}

/** The values of a map, in its order. */
export function valuesOf(map: IpldMap, budget: StepBudget): readonly Ipld[] {
  const values = Object.values(map);
  budget.spend(values.length);
  return values;
}
