import type { CedarValueJson } from "./cedar.ts";
import { FactTypeError, toCedarValue } from "./cedarValue.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { AttributeType } from "./contextSchema.ts";
import { jsonataWords } from "./factExpression.ts";
import { factLimits, FactMeter, isTooDeep, setSizeByParts } from "./factMeter.ts";
import type { Before, PolicyAct } from "./types.ts";

/** What is known of an act for Cedar. */
export interface ActFacts {
  readonly context: Readonly<Record<string, CedarValueJson>>;
  /** Facts that could not be computed, with the reason: not the same as facts that are simply not there. */
  readonly unknown: ReadonlyMap<string, string>;
  /** Facts that rest on the agent's own word of what came before, with what is to be said of that. */
  readonly claimed: ReadonlyMap<string, string>;
}

/** Cedar takes the facts of an act as one JSON text; one fact may not be most of it. */
const maxFactChars = 1 << 18;

/** Computes the named facts of an act. The same inputs give the same facts, also where a limit is hit. */
export async function factsOf(
  policy: CompiledPolicy,
  names: readonly string[],
  attributes: ReadonlyMap<string, AttributeType>,
  act: PolicyAct,
  before: Before,
): Promise<ActFacts> {
  const context: [string, CedarValueJson][] = [];
  const unknown = new Map<string, string>();
  const claimed = new Map<string, string>();
  const watch: WithheldWatch = { touched: undefined, lookedBack: false };
  const view = viewWithBefore(act, before, watch);

  for (const name of names) {
    const expression = policy.facts.get(name);
    const attribute = attributes.get(name);
    if (expression === undefined || attribute === undefined) continue;
    watch.touched = undefined;
    watch.lookedBack = false;
    try {
      const value = await expression.evaluate(view, new FactMeter(names.length, before.acts.length));
      if (watch.touched !== undefined) unknown.set(name, watch.touched);
      else if (value !== undefined && value !== null) context.push([name, readable(value, attribute)]);
    } catch (cause) {
      unknown.set(name, watch.touched ?? jsonataWords(cause));
    }
    if (watch.lookedBack && before.unknown !== undefined) unknown.set(name, before.unknown);
    if (watch.lookedBack && before.claimed !== undefined) claimed.set(name, before.claimed);
  }
  // Not by assignment: a name such as `__proto__` must be a fact like any other.
  const known = context.filter(([name]) => !unknown.has(name));
  return { context: Object.fromEntries(known), unknown, claimed };
}

function readable(value: unknown, attribute: AttributeType): CedarValueJson {
  const known = toCedarValue(value, attribute.type);
  if (JSON.stringify(known).length > maxFactChars) {
    throw new FactTypeError(`the value is longer than ${maxFactChars} characters`);
  }
  return known;
}

interface WithheldWatch {
  /** Which value that is not shown the expression that runs has looked at. */
  touched: string | undefined;
  /** Whether it has looked at the acts before. */
  lookedBack: boolean;
}

function viewWithBefore(act: PolicyAct, before: Before, watch: WithheldWatch): object {
  const view = viewOf(act, watch);
  const earlier = before.acts.map((one) => viewOf(one, watch));
  const get = (): readonly object[] => {
    watch.lookedBack = true;
    return earlier;
  };
  Object.defineProperty(view, "before", { get, enumerable: true });
  setSizeByParts(view, [act.input, act.output, act.context, earlier]);
  return view;
}

/** An act by itself, as the expression for its thread sees it. */
export function viewAlone(act: PolicyAct): { readonly view: object; readonly watch: { touched: string | undefined } } {
  const watch: WithheldWatch = { touched: undefined, lookedBack: false };
  return { view: viewOf(act, watch), watch };
}

/**
 * An act as JSONata sees it. A value that is absent and may be withheld is there as a getter that tells on whoever looks:
 * otherwise `$count(input.passengers)` would be 0 for an input that nobody disclosed, and a rule would seem kept.
 */
function viewOf(act: PolicyAct, watch: WithheldWatch): object {
  const view = { act: act.act, seq: act.seq, ...(act.thread === undefined ? {} : { thread: act.thread }) };
  for (const key of ["input", "output", "context"] as const) {
    const value = act[key];
    if (value !== undefined) {
      Object.defineProperty(view, key, { value: withoutDepths(value, watch), enumerable: true });
    } else if (act.allDisclosed !== true) {
      const get = (): undefined => {
        watch.touched ??= `the ${key} of entry ${act.seq} is not disclosed`;
      };
      Object.defineProperty(view, key, { get, enumerable: true });
    }
  }
  // The meter must not walk a view itself: it would set off the getters.
  setSizeByParts(view, [act.input, act.output, act.context]);
  return view;
}

/** How deep a value of the record is shown: a little less than a fact may handle, which wraps it in values of its own. */
const shownDepth = factLimits.depth - 16;

/**
 * A value in which nothing is deeper than facts can handle: what lies below is there as a getter that tells on whoever
 * looks. One argument that nobody reads must not make every fact of the act unknown.
 */
function withoutDepths(value: unknown, watch: WithheldWatch): unknown {
  return isTooDeep(value, shownDepth) ? shallow(value, watch, 0) : value;
}

function shallow(value: unknown, watch: WithheldWatch, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  const copy: object = Array.isArray(value) ? [] : {};
  const shown: unknown[] = [];
  for (const [key, child] of Object.entries(value) as [string, unknown][]) {
    if (depth < shownDepth || typeof child !== "object" || child === null) {
      const seen = shallow(child, watch, depth + 1);
      shown.push(seen);
      Object.defineProperty(copy, key, { value: seen, enumerable: true });
    } else {
      const get = (): undefined => {
        watch.touched ??= `a value is nested deeper than ${shownDepth}`;
      };
      Object.defineProperty(copy, key, { get, enumerable: true });
    }
  }
  setSizeByParts(copy, shown);
  return copy;
}
