import type { CedarValueJson, Expr } from "./cedar.ts";
import type { Rule } from "./rules.ts";

type Node = Readonly<Record<string, unknown>>;
type Facts = Readonly<Record<string, CedarValueJson>>;

/**
 * What a `forbid` would have let pass, in words: its conditions turned round, without those parts that ask only whether a
 * fact is there and that the facts at hand answer. Undefined where nothing of the act would make a difference, and where a
 * condition has no plain words.
 */
export function allowedInWords(rule: Pick<Rule, "effect" | "policy">, facts: Facts): string | undefined {
  if (rule.effect !== "forbid") return undefined;
  const ways: string[] = [];
  for (const { kind, body } of rule.policy.conditions) {
    const words = wordsOf(body, kind !== "when", facts);
    if (words === undefined) return undefined;
    if (words === true) return undefined;
    if (words !== false) ways.push(words);
  }
  return ways.length === 0 ? undefined : ways.join(", or ");
}

/** The expression, or its opposite, in words; true or false where the facts at hand decide it; undefined without words. */
type Words = string | boolean | undefined;

function wordsOf(expr: Expr, positive: boolean, facts: Facts): Words {
  const node = expr as Node;
  if ("!" in node) return wordsOf((node["!"] as { arg: Expr }).arg, !positive, facts);
  for (const operator of ["&&", "||"] as const) {
    if (!(operator in node)) continue;
    const { left, right } = node[operator] as { left: Expr; right: Expr };
    const all = (operator === "&&") === positive;
    return joined(wordsOf(left, positive, facts), wordsOf(right, positive, facts), all);
  }
  if ("has" in node) {
    const { left, attr } = node["has"] as { left: Node; attr: unknown };
    if (left["Var"] !== "context") return undefined;
    const name = Array.isArray(attr) ? String(attr[0]) : String(attr);
    return Object.hasOwn(facts, name) === positive;
  }
  if ("Value" in node && typeof node["Value"] === "boolean") return node["Value"] === positive;
  const comparison = comparisons.find(([operator]) => operator in node);
  if (comparison) {
    const [operator, words, opposite] = comparison;
    const sides = node[operator] as { left: Expr; right: Expr } | readonly Expr[];
    // Cedar's extension functions come as lists of what they are given.
    const [left, right] = "left" in sides ? [sides.left, sides.right] : sides;
    const [a, b] = [operandOf(left), operandOf(right)];
    return a === undefined || b === undefined ? undefined : `${a} ${positive ? words : opposite} ${b}`;
  }
  const fact = operandOf(expr);
  return fact === undefined ? undefined : `${fact} is ${positive ? "true" : "false"}`;
}

const comparisons = [
  ["==", "is", "is not"],
  ["!=", "is not", "is"],
  ["<", "is below", "is at least"],
  ["<=", "is at most", "is above"],
  [">", "is above", "is at most"],
  [">=", "is at least", "is below"],
  ["in", "is in", "is not in"],
  ["contains", "contains", "does not contain"],
  ["containsAny", "contains any of", "contains none of"],
  ["containsAll", "contains all of", "does not contain all of"],
  ["lessThan", "is below", "is at least"],
  ["lessThanOrEqual", "is at most", "is above"],
  ["greaterThan", "is above", "is at most"],
  ["greaterThanOrEqual", "is at least", "is below"],
] as const;

function joined(left: Words, right: Words, all: boolean): Words {
  // One side that decides it makes the other one idle, whether that has words or not.
  if (left === !all || right === !all) return !all;
  if (left === all) return right;
  if (right === all) return left;
  return left === undefined || right === undefined ? undefined : `${left} ${all ? "and" : "or"} ${right}`;
}

/** A fact by its name, a value by its text, a sum by its parts. */
function operandOf(expr: unknown): string | undefined {
  const node = (expr ?? {}) as Node;
  if ("Value" in node) return valueOf(node["Value"]);
  if ("." in node) {
    const { left, attr } = node["."] as { left: Node; attr: string };
    if (left["Var"] === "context") return attr;
    const outer = operandOf(left);
    return outer && `${outer}.${attr}`;
  }
  if ("Var" in node) return String(node["Var"]);
  if ("Set" in node) {
    const items = (node["Set"] as unknown[]).map(operandOf);
    return items.includes(undefined) ? undefined : `[${items.join(", ")}]`;
  }
  for (const operator of ["decimal", "datetime", "duration", "ip"]) {
    if (operator in node) return operandOf((node[operator] as unknown[])[0]);
  }
  for (const operator of ["+", "-", "*"]) {
    if (!(operator in node)) continue;
    const { left, right } = node[operator] as { left: unknown; right: unknown };
    const [a, b] = [operandOf(left), operandOf(right)];
    return a === undefined || b === undefined ? undefined : `${a} ${operator} ${b}`;
  }
  return undefined;
}

function valueOf(value: unknown): string {
  const { __entity: entity } = (typeof value === "object" && value !== null ? value : {}) as { __entity?: Node };
  return entity ? String(entity["id"]) : JSON.stringify(value);
}
