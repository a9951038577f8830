import { AffiantError } from "../errors/affiantError.ts";
import { utf8 } from "../encoding/bytes.ts";
import { matchesGlob, maxPatternBytes } from "./glob.ts";
import { type Ipld, ipldEqual, isIpldMap, isNumber } from "./ipld.ts";
import { parseSelector, select, type Selection, type Selector, valuesOf } from "./selector.ts";
import { StepBudget } from "./stepBudget.ts";

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
      if (second.length > maxPatternBytes || utf8(second).length > maxPatternBytes) {
        throw malformed(`a pattern has at most ${maxPatternBytes} bytes`);
      }
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

/**
 * @param budget what the call that is judged may still cost; a whole one where this is all that is asked of it
 * @returns the first top-level statement that the arguments do not satisfy, or undefined if all hold
 * @throws AffiantError ERR_LIMIT_CALL_WORK: nothing is known then, so nothing is allowed
 */
export function firstUnmetStatement(policy: UcanPolicy, args: Ipld, budget = new StepBudget()): Statement | undefined {
  return policy.find((statement) => !holds(statement, args, budget));
}

/** A statement as it stands in the token, for messages: at most 200 characters. */
export function statementText({ source }: Statement): string {
  return JSON.stringify(source, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner)).slice(
    0,
    200,
  );
}

/**
 * Whether one statement holds. A selector that leads nowhere makes *its* statement false (UCAN Delegation §Validation).
 * @dev Hazard of the specification: `not` turns that into true, so `["not", ["==", ".country", "X"]]` also admits
 * arguments without a country. Grant by what is allowed, not by what is not.
 * @throws AffiantError ERR_LIMIT_CALL_WORK
 */
export function holds(statement: Statement, args: Ipld, budget = new StepBudget()): boolean {
  budget.spend();
  const inner = (one: Statement): boolean => holds(one, args, budget);
  switch (statement.op) {
    case "and":
      return statement.statements.every(inner);
    case "or":
      return statement.statements.length === 0 || statement.statements.some(inner);
    case "not":
      return !inner(statement.statement);
    default:
      return onValue(select(args, statement.selector, budget), (value) => holdsFor(statement, value, budget));
  }
}

function onValue(selection: Selection, test: (value: Ipld) => boolean): boolean {
  return selection.found && test(selection.value);
}

function holdsFor(statement: Extract<Statement, { selector: Selector }>, value: Ipld, budget: StepBudget): boolean {
  switch (statement.op) {
    case "==":
      return ipldEqual(value, statement.value, budget);
    case "!=":
      return !ipldEqual(value, statement.value, budget);
    case "like":
      if (typeof value !== "string") return false;
      budget.spendOnLength(value.length + statement.pattern.length);
      return matchesGlob(value, statement.pattern);
    case "all":
    case "any":
      return quantify(statement.op, value, statement.statement, budget);
    default:
      return compare(statement.op, value, statement.value);
  }
}

/** Mathematical comparison; anything that is not a number (a string of digits among it) compares as false. */
function compare(op: Comparison, value: Ipld, bound: number | bigint): boolean {
  if (!isNumber(value) || Number.isNaN(value)) return false;
  if (op === "<") return value < bound;
  if (op === "<=") return value <= bound;
  return op === ">" ? value > bound : value >= bound;
}

/** `any` over nothing is false here as in logic; the specification gives only `or []` a value of true. */
function quantify(op: "all" | "any", value: Ipld, statement: Statement, budget: StepBudget): boolean {
  const list = Array.isArray(value) ? (value as readonly Ipld[]) : undefined;
  const items = list ?? (isIpldMap(value) ? valuesOf(value, budget) : undefined);
  if (!items) return false;
  const test = (item: Ipld): boolean => holds(statement, item, budget);
  return op === "all" ? items.every(test) : items.some(test);
}
