import jsonata from "jsonata";

import { AffiantError } from "../errors/affiantError.ts";
import { cedarTextOf } from "./extensionText.ts";
import { factLimits, FactMeter } from "./factMeter.ts";

/** A JSONata expression that ends, and yields the same for the same act on every machine. */
export interface FactExpression {
  /** JSONata's syntax tree, for remarks on how a fact is written. */
  readonly ast: unknown;
  evaluate(view: object, meter: FactMeter): Promise<unknown>;
}

/**
 * Built-ins a fact may call. Not here: what asks a clock or a die ($now, $millis, $random, $shuffle), what runs text as
 * code ($eval), what costs more than its arguments' size or depends on locale or pictures ($distinct, $replace, $join,
 * $pad, $match, $format...). Lists of distinct values need no built-in: a Cedar Set has no duplicates.
 */
const builtIns = new Set(
  (
    "sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim contains " +
    "split number floor ceil round abs sqrt power boolean not map filter single reduce sift keys lookup append exists " +
    "merge reverse each sort type error assert zip spread toMillis"
  ).split(" "),
);

const meterName = "affiant:meter"; // no JSONata variable can be spelled so
const exitHook = Symbol.for("jsonata.__evaluate_exit");

/**
 * @throws AffiantError ERR_INPUT_POLICY when it does not parse, or uses what is not bounded or not deterministic:
 *   regular expressions, transforms, other built-ins than the list above, built-ins handed on as values
 */
export function compileFact(name: string, source: string): FactExpression {
  let expression: jsonata.Expression;
  const leading = new WeakSet<object>();
  try {
    checkNesting(source);
    expression = jsonata(source, { stack: factLimits.depth, sequence: factLimits.listLength });
    checkTree(expression.ast(), leading);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_POLICY", `${name}: ${jsonataWords(cause, source)}`, { cause });
  }
  expression.registerFunction("toMillis", toMillis, "<s-:n>");
  // The hook is looked up by a symbol, which the library's types leave out.
  expression.assign(exitHook as unknown as string, chargeFor(leading));
  return {
    ast: expression.ast(),
    evaluate: (view, meter) => expression.evaluate(view, { [meterName]: meter }) as Promise<unknown>,
  };
}

/** JSONata throws plain objects; this is what they say. */
export function jsonataWords(cause: unknown, source?: string): string {
  if (typeof cause === "object" && cause !== null && "message" in cause && typeof cause.message === "string") {
    const position = "position" in cause && typeof cause.position === "number" ? cause.position : undefined;
    if (position === undefined) return cause.message;
    if (source === undefined) return `${cause.message} (at ${position})`;
    const before = source.slice(0, position);
    const line = before.split("\n").length;
    return `${cause.message} (line ${line}, column ${before.length - before.lastIndexOf("\n")} of it)`;
  }
  return "it does not evaluate";
}

type ExitHook = (node: jsonata.ExprNode, input: unknown, environment: jsonata.Environment, result: unknown) => void;

/** @param leading nodes whose value is only passed through: steps of a path before its last, arguments that are counted */
function chargeFor(leading: WeakSet<object>): ExitHook {
  return (node, _input, environment, result) => {
    // `checkTree` knows names, not scopes: `$eval` bound in one branch must not pass for the built-in in another.
    const isBuiltIn = typeof result === "object" && result !== null && "_jsonata_function" in result;
    if (isBuiltIn && node.type === "variable" && !builtIns.has(String(node.value))) {
      throw new Error(`$${String(node.value)} is not allowed in a fact`);
    }
    const meter: unknown = environment.lookup(meterName);
    if (!(meter instanceof FactMeter)) return;
    if (leading.has(node)) meter.charge();
    else meter.charge(result);
  };
}

/** RFC 3339 only, with its offset: a local time would be another instant on another machine. Finer than ms is cut off. */
function toMillis(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, date, time, fraction = "", offset] =
    /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  if (date === undefined || time === undefined || offset === undefined || cedarTextOf("datetime", text) === undefined) {
    throw new Error(`$toMillis takes an RFC 3339 time with its offset, not ${JSON.stringify(text)}`);
  }
  const millis = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${offset.toUpperCase()}`);
  if (Number.isNaN(millis)) throw new Error(`${JSON.stringify(text)} is no time`);
  return millis;
}

/** Walks every object of JSONata's syntax tree; its node types have no stable list of children. */
function checkTree(root: unknown, leading: WeakSet<object>): void {
  const bound = new Set<string>(["", "$"]);
  const seen = new Set<object>();
  const variables: { readonly name: string; readonly called: boolean }[] = [];

  const visit = (value: unknown, called: boolean): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    const node = value as Record<string, unknown>;
    if (node.type === "regex" || value instanceof RegExp) throw new Error("regular expressions are not allowed");
    if (node.type === "partial") throw new Error("partial application is not allowed");
    if (node.type === "transform") throw new Error("the transform operator is not allowed");
    if (node.type === "lambda") for (const argument of listOf(node.arguments)) bind(argument);
    if (node.type === "bind") bind(node.lhs);
    for (const passed of passedThrough(node)) leading.add(passed);
    for (const name of [node.focus, node.index]) if (typeof name === "string") bound.add(name);
    if (node.type === "variable" && typeof node.value === "string") variables.push({ name: node.value, called });
    // `x ~> $f` names the function that it calls on its right-hand side.
    for (const [key, child] of Object.entries(node)) {
      visit(child, key === "procedure" || (node.type === "apply" && key === "rhs"));
    }
  };
  const bind = (node: unknown): void => {
    const name = (node as { value?: unknown } | null)?.value;
    if (typeof name === "string") bound.add(name);
  };

  visit(root, false);
  for (const { name, called } of variables) {
    if (bound.has(name)) continue;
    if (!builtIns.has(name)) throw new Error(`$${name} is not allowed in a fact`);
    if (!called) throw new Error(`$${name} must be called; to hand it on, wrap it: function($x) { $${name}($x) }`);
  }
}

/** Built-ins that look at how many there are, and not at what. */
const counting = new Set(["count", "exists"]);

/** Children of a node whose value nobody walks: what a path leads through, and what is only counted. */
function passedThrough(node: Record<string, unknown>): readonly object[] {
  if (node.type === "path") {
    const steps = listOf(node.steps).slice(0, -1) as Record<string, unknown>[];
    return steps.filter(({ type }) => type === "name" || type === "variable");
  }
  const { type, value } = (node.procedure ?? {}) as { type?: unknown; value?: unknown };
  if (node.type !== "function" || type !== "variable" || !counting.has(String(value))) return [];
  return (listOf(node.arguments) as Record<string, unknown>[]).flatMap((argument) => {
    // The last step of a path hands on the same value as the path.
    if (argument.type === "path") return [argument, ...(listOf(argument.steps).slice(-1) as object[])];
    return argument.type === "variable" ? [argument] : [];
  });
}

/** The parser is recursive; a clear word instead of whatever a full stack gives. */
function checkNesting(source: string): void {
  let nesting = 0;
  for (const char of source) {
    if ("([{".includes(char)) nesting++;
    else if (")]}".includes(char)) nesting--;
    if (nesting > 64) throw new Error("nested deeper than 64 brackets");
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
