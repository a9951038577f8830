import { AffiantError } from "../errors/affiantError.ts";
import { matchesGlob } from "./glob.ts";
import { type Ipld, ipldEqual, isIpldMap, isNumber } from "./ipld.ts";
import { parseSelector, select, type Selection, type Selector } from "./selector.ts";

type Comparison = "<" | "<=" | ">" | ">=";

/** A parsed statement of the UCAN policy language. `source` is what stands in the token, for messages. */
export type Statement = { readonly source: Ipld } & (
  | { readonly op: "==" | "!="; readonly selector: Selector; readonly value: Ipld }
  | { readonly op: Comparison; readonly selector: Selector; readonly value: number | bigint }
  | { readonly op: "like"; readonly selector: Selector; readonly pattern: string }
  | { readonly op: "and" | "or"; readonly statements: readonly Statement[] }
  | { readonly op: "not"; readonly statement: Statement }
  | { readonly op: "all" | "any"; readonly selector: Selector; readonly statement: Statement }
);

export type UcanPolicy = readonly Statement[];

/** Statements may nest; no honest policy needs more, and a hostile one must not exhaust the stack. */
const maxDepth = 16;
const maxStatements = 256;

/**
 * Parses and checks a whole policy. A policy with one statement we do not understand is refused as a whole: to skip it
 * would widen what was granted.
 * @throws AffiantError ERR_INPUT_UCAN
 */
export function parsePolicy(source: Ipld): UcanPolicy {
  if (!Array.isArray(source)) throw malformed("a policy is a list of statements");
  const budget = { left: maxStatements };
  return source.map((statement: Ipld) => parseStatement(statement, maxDepth, budget));
}

function parseStatement(source: Ipld, depth: number, budget: { left: number }): Statement {
  budget.left -= 1;
  if (depth === 0 || budget.left < 0) throw malformed(`more than ${maxDepth} levels or ${maxStatements} statements`);
  if (!Array.isArray(source)) throw malformed("a statement is a list");
  const [op, first, second] = source as readonly Ipld[];
  const arity = op === "and" || op === "or" || op === "not" ? 2 : 3;
  if (source.length !== arity) throw malformed(`${JSON.stringify(op)} takes ${arity - 1} arguments`);
  const inner = (value: Ipld | undefined): Statement => parseStatement(value ?? null, depth - 1, budget);
  switch (op) {
    case "==":
    case "!=":
      return { source, op, selector: selectorOf(first), value: second as Ipld };
    case "<":
    case "<=":
    case ">":
    case ">=":
      if (!isNumber(second)) throw malformed(`${op} compares with a number`);
      return { source, op, selector: selectorOf(first), value: second };
    case "like":
      if (typeof second !== "string") throw malformed("like takes a pattern");
      return { source, op, selector: selectorOf(first), pattern: second };
    case "and":
    case "or":
      if (!Array.isArray(first)) throw malformed(`${op} takes a list of statements`);
      return { source, op, statements: (first as readonly Ipld[]).map(inner) };
    case "not":
      return { source, op, statement: inner(first) };
    case "all":
    case "any":
      return { source, op, selector: selectorOf(first), statement: inner(second) };
    default:
      throw malformed(`unknown operator ${JSON.stringify(op)}`);
  }
}

function selectorOf(value: Ipld | undefined): Selector {
  if (typeof value !== "string") throw malformed("a selector is a string");
  return parseSelector(value);
}

function malformed(message: string): AffiantError {
  return new AffiantError("ERR_INPUT_UCAN", `the contract's policy cannot be read: ${message}`);
}

/** @returns the first top-level statement that the arguments do not satisfy, or undefined if all hold */
export function firstUnmetStatement(policy: UcanPolicy, args: Ipld): Statement | undefined {
  return policy.find((statement) => !holds(statement, args));
}

/**
 * Whether one statement holds. A selector that leads nowhere makes *its* statement false (UCAN Delegation §Validation).
 * @dev Hazard of the specification: `not` turns that into true, so `["not", ["==", ".country", "X"]]` also admits
 * arguments without a country. Grant by what is allowed, not by what is not.
 */
export function holds(statement: Statement, args: Ipld): boolean {
  switch (statement.op) {
    case "==":
      return onValue(select(args, statement.selector), (value) => ipldEqual(value, statement.value));
    case "!=":
      return onValue(select(args, statement.selector), (value) => !ipldEqual(value, statement.value));
    case "<":
    case "<=":
    case ">":
    case ">=":
      return onValue(select(args, statement.selector), (value) => compare(statement.op, value, statement.value));
    case "like":
      return onValue(
        select(args, statement.selector),
        (value) => typeof value === "string" && matchesGlob(value, statement.pattern),
      );
    case "and":
      return statement.statements.every((inner) => holds(inner, args));
    case "or":
      return statement.statements.length === 0 || statement.statements.some((inner) => holds(inner, args));
    case "not":
      return !holds(statement.statement, args);
    case "all":
    case "any":
      return quantify(statement.op, select(args, statement.selector), statement.statement);
  }
}

function onValue(selection: Selection, test: (value: Ipld) => boolean): boolean {
  return selection.found && test(selection.value);
}

/** Mathematical comparison; anything that is not a number (a string of digits among it) compares as false. */
function compare(op: Comparison, value: Ipld, bound: number | bigint): boolean {
  if (!isNumber(value) || Number.isNaN(value)) return false;
  if (op === "<") return value < bound;
  if (op === "<=") return value <= bound;
  return op === ">" ? value > bound : value >= bound;
}

/** `any` over nothing is false here as in logic; the specification gives only `or []` a value of true. */
function quantify(op: "all" | "any", selection: Selection, statement: Statement): boolean {
  if (!selection.found) return false;
  const { value } = selection;
  const items = Array.isArray(value) ? (value as readonly Ipld[]) : isIpldMap(value) ? Object.values(value) : undefined;
  if (!items) return false;
  return op === "all" ? items.every((item) => holds(statement, item)) : items.some((item) => holds(statement, item));
}
