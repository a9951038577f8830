import { type AstNode, isNode, rangeOf, type SourceText } from "./ast.ts";
import { type Edit, oneMore } from "./edits.ts";

/** What may stand in place of a function of the same number of arguments. */
const swaps: Readonly<Record<string, string>> = {
  add: "sub",
  sub: "add",
  mul: "div",
  div: "mul",
  mod: "div",
  and: "or",
  or: "and",
  xor: "or",
  lt: "gt",
  gt: "lt",
  slt: "sgt",
  sgt: "slt",
  shl: "shr",
  shr: "shl",
  sar: "shr",
  byte: "shr",
};

/** @returns every single change of this node of an assembly block, not of what is in it */
export function yulEdits(node: AstNode, source: SourceText): readonly Edit[] {
  const range = rangeOf(node);
  switch (node.nodeType) {
    case "YulFunctionCall":
      return callEdits(node, source);
    case "YulIf":
      return conditionEdits(node["condition"], ["1", "0"]);
    case "YulForLoop":
      return conditionEdits(node["condition"], ["0"]);
    case "YulLiteral": {
      const by = node.kind === "number" ? oneMore(source.slice(range.start, range.end)) : undefined;
      return by === undefined ? [] : [{ kind: "assembly", ...range, by }];
    }
    case "YulExpressionStatement":
    case "YulAssignment":
      return [{ kind: "assembly", ...range, by: "" }];
    default:
      return [];
  }
}

function callEdits(node: AstNode, source: SourceText): readonly Edit[] {
  const called = node["functionName"];
  if (!isNode(called) || called.name === undefined) return [];
  const whole = rangeOf(node);
  if (called.name === "eq" || called.name === "iszero") {
    return [{ kind: "assembly", ...whole, by: `iszero(${source.slice(whole.start, whole.end)})` }];
  }
  const by = swaps[called.name];
  return by === undefined ? [] : [{ kind: "assembly", ...rangeOf(called), by }];
}

function conditionEdits(condition: unknown, values: readonly string[]): readonly Edit[] {
  return isNode(condition) ? values.map((by) => ({ kind: "assembly", ...rangeOf(condition), by })) : [];
}
