import { type Ancestors, type AstNode, isNode, rangeOf, type SourceText } from "./ast.ts";
import { type Edit, oneMore } from "./edits.ts";
import type { MutationKind } from "./mutant.ts";

/** What may stand in place of an operator: its neighbour at the boundary, and its opposite. */
const comparisons: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
};

const arithmetic: Readonly<Record<string, string>> = {
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "<<": ">>",
  ">>": "<<",
  "&": "|",
  "|": "&",
  "^": "&",
  "**": "*",
};

const logic: Readonly<Record<string, string>> = { "&&": "||", "||": "&&" };

/** Statements without which the rest still means something. */
const deletable = new Set(["ExpressionStatement", "RevertStatement", "EmitStatement", "Return"]);

/** @returns every single change of this node, not of what is in it */
export function solidityEdits(node: AstNode, ancestors: Ancestors, source: SourceText): readonly Edit[] {
  switch (node.nodeType) {
    case "BinaryOperation":
      return binaryEdits(node, source);
    case "Assignment":
      return assignmentEdits(node, source);
    case "UnaryOperation":
      return unaryEdits(node);
    case "IfStatement":
    case "Conditional":
      return conditionEdits(node["condition"], ["true", "false"]);
    case "ForStatement":
    case "WhileStatement":
      // A loop without an end says nothing about the tests.
      return conditionEdits(node["condition"], ["false"]);
    case "FunctionCall":
      return requireEdits(node);
    case "ModifierInvocation":
      return node.kind === "modifierInvocation" ? [{ kind: "modifier", ...rangeOf(node), by: "" }] : [];
    case "Literal":
      return literalEdits(node, source);
    default:
      return deletable.has(node.nodeType) ? deletionEdits(node, ancestors, source) : [];
  }
}

function binaryEdits(node: AstNode, source: SourceText): readonly Edit[] {
  const operator = node.operator ?? "";
  const found = between(node["leftExpression"], node["rightExpression"], operator, source);
  if (!found) return [];
  const edits = (kind: MutationKind, by: readonly string[]): readonly Edit[] =>
    by.map((by) => ({ kind, ...found, by }));
  const [sum, other] = [arithmetic[operator], logic[operator]];
  return [
    ...edits("comparison", comparisons[operator] ?? []),
    ...edits("arithmetic", sum === undefined ? [] : [sum]),
    ...edits("logic", other === undefined ? [] : [other]),
  ];
}

function assignmentEdits(node: AstNode, source: SourceText): readonly Edit[] {
  const operator = node.operator ?? "";
  const by = arithmetic[operator.slice(0, -1)];
  const found = between(node["leftHandSide"], node["rightHandSide"], operator, source);
  return by === undefined || !found ? [] : [{ kind: "arithmetic", ...found, by: `${by}=` }];
}

/** Where the operator stands; comments between the operands are passed over. */
function between(left: unknown, right: unknown, operator: string, source: SourceText) {
  if (!isNode(left) || !isNode(right)) return undefined;
  const from = rangeOf(left).end;
  const gap = source.slice(from, rangeOf(right).start);
  const bare = gap.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (comment) => " ".repeat(Buffer.byteLength(comment)));
  const at = bare.indexOf(operator);
  return at < 0 ? undefined : { start: from + at, end: from + at + operator.length };
}

function unaryEdits(node: AstNode): readonly Edit[] {
  const { start, end } = rangeOf(node);
  const operator = node.operator ?? "";
  const at = node.prefix ? { start, end: start + operator.length } : { start: end - operator.length, end };
  if (operator === "++") return [{ kind: "arithmetic", ...at, by: "--" }];
  if (operator === "--") return [{ kind: "arithmetic", ...at, by: "++" }];
  if (operator === "!") return [{ kind: "logic", ...at, by: "" }];
  return operator === "-" || operator === "~" ? [{ kind: "arithmetic", ...at, by: "" }] : [];
}

function conditionEdits(condition: unknown, values: readonly string[]): readonly Edit[] {
  if (!isNode(condition) || condition.nodeType === "Literal") return [];
  return values.map((by) => ({ kind: "condition", ...rangeOf(condition), by }));
}

function requireEdits(node: AstNode): readonly Edit[] {
  const called = node["expression"];
  const [condition] = node["arguments"] as readonly unknown[];
  const isRequire = isNode(called) && (called.name === "require" || called.name === "assert");
  return isRequire ? conditionEdits(condition, ["true", "false"]) : [];
}

function literalEdits(node: AstNode, source: SourceText): readonly Edit[] {
  const range = rangeOf(node);
  if (node.kind === "bool") return [{ kind: "literal", ...range, by: node.value === "true" ? "false" : "true" }];
  if (node.kind !== "number") return [];
  const [number = "", ...unit] = source.slice(range.start, range.end).split(/\s+/);
  const by = oneMore(number);
  return by === undefined ? [] : [{ kind: "literal", ...range, by: [by, ...unit].join(" ") }];
}

function deletionEdits(node: AstNode, ancestors: Ancestors, source: SourceText): readonly Edit[] {
  const { start, end } = rangeOf(node);
  const behind = source.behindSemicolon(end);
  const parent = ancestors.at(-1);
  // The step of a loop ends with no semicolon of its own.
  if (behind === undefined || (parent?.nodeType === "ForStatement" && parent["body"] !== node)) return [];
  // A guard without its revert is a guard whose condition is false.
  if (node.nodeType === "RevertStatement" && isOnlyBody(node, ancestors)) return [];
  // At a function's end, what it returns by itself.
  if (node.nodeType === "Return" && isZero(node["expression"]) && isLastOfFunction(node, ancestors)) return [];
  return [{ kind: "statement", start, end: behind, by: "{}" }];
}

function isZero(expression: unknown): boolean {
  return isNode(expression) && expression.nodeType === "Literal" && ["false", "0"].includes(expression.value ?? "");
}

function isLastOfFunction(node: AstNode, ancestors: Ancestors): boolean {
  const [outer, parent] = ancestors.slice(-2);
  const statements = parent?.["statements"];
  return outer?.nodeType === "FunctionDefinition" && Array.isArray(statements) && statements.at(-1) === node;
}

function isOnlyBody(node: AstNode, ancestors: Ancestors): boolean {
  const [outer, parent] = ancestors.slice(-2);
  const isGuard = (guard: AstNode | undefined): boolean => guard?.nodeType === "IfStatement" && !guard["falseBody"];
  if (parent?.nodeType === "IfStatement") return isGuard(parent) && parent["trueBody"] === node;
  const statements = parent?.["statements"];
  return parent?.nodeType === "Block" && isGuard(outer) && Array.isArray(statements) && statements.length === 1;
}
