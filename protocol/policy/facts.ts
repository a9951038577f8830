import type { CedarValueJson } from "./cedar.ts";
import { toCedarValue } from "./cedarValue.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { AttributeType } from "./contextSchema.ts";
import { jsonataWords } from "./factExpression.ts";
import { FactMeter, setSizeByParts } from "./factMeter.ts";
import type { PolicyAct } from "./types.ts";

/** What is known of an act for Cedar. */
export interface ActFacts {
  readonly context: Readonly<Record<string, CedarValueJson>>;
  /** Facts that could not be computed, with the reason: not the same as facts that are simply not there. */
  readonly unknown: ReadonlyMap<string, string>;
}

/** Computes the named facts of an act. The same inputs give the same facts, also where a limit is hit. */
export async function factsOf(
  policy: CompiledPolicy,
  names: readonly string[],
  attributes: ReadonlyMap<string, AttributeType>,
  act: PolicyAct,
  before: readonly PolicyAct[],
): Promise<ActFacts> {
  const context: Record<string, CedarValueJson> = {};
  const unknown = new Map<string, string>();
  const meter = new FactMeter(before.length);
  const watch: WithheldWatch = { touched: undefined };
  let view: object;
  try {
    view = viewWithBefore(act, before, watch);
  } catch (cause) {
    // A record too large or too deep to look at. It is the agent's doing, so it must not read as kept.
    return { context, unknown: new Map(names.map((name) => [name, jsonataWords(cause)])) };
  }

  for (const name of names) {
    const expression = policy.facts.get(name);
    const attribute = attributes.get(name);
    if (expression === undefined || attribute === undefined) continue;
    watch.touched = undefined;
    try {
      const value = await expression.evaluate(view, meter);
      if (watch.touched !== undefined) unknown.set(name, watch.touched);
      else if (value !== undefined && value !== null) context[name] = toCedarValue(value, attribute.type);
    } catch (cause) {
      unknown.set(name, watch.touched ?? jsonataWords(cause));
    }
  }
  return { context, unknown };
}

interface WithheldWatch {
  /** Which withheld value the expression that runs has looked at. */
  touched: string | undefined;
}

function viewWithBefore(act: PolicyAct, before: readonly PolicyAct[], watch: WithheldWatch): object {
  const view = Object.assign(viewOf(act, watch), { before: before.map((earlier) => viewOf(earlier, watch)) });
  setSizeByParts(view, [act.input, act.output, act.context, view.before]);
  return view;
}

/**
 * An act as JSONata sees it. A value that is absent and may be withheld is there as a getter that tells on whoever looks:
 * otherwise `$count(input.passengers)` would be 0 for an input that nobody disclosed, and a rule would seem kept.
 */
function viewOf(act: PolicyAct, watch: WithheldWatch): object {
  const view = { act: act.act, seq: act.seq };
  for (const key of ["input", "output", "context"] as const) {
    const value = act[key];
    if (value !== undefined) {
      Object.defineProperty(view, key, { value, enumerable: true });
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
