import type { Delegation } from "./delegation.ts";
import { ipldToJson } from "./ipldJson.ts";
import type { Statement } from "./policy.ts";

/** One statement of a contract's policy as a person would say it. */
export function statementInWords(statement: Statement): string {
  switch (statement.op) {
    case "==":
      return `${subject(statement)} is ${shown(statement.value)}`;
    case "!=":
      return `${subject(statement)} is not ${shown(statement.value)}`;
    case "<":
      return `${subject(statement)} is below ${shown(statement.value)}`;
    case "<=":
      return `${subject(statement)} is at most ${shown(statement.value)}`;
    case ">":
      return `${subject(statement)} is above ${shown(statement.value)}`;
    case ">=":
      return `${subject(statement)} is at least ${shown(statement.value)}`;
    case "like":
      return `${subject(statement)} looks like ${shown(statement.pattern)}`;
    case "and":
      return listed(statement.statements, " and ", "anything goes");
    case "or":
      return listed(statement.statements, " or ", "anything goes");
    case "not":
      return `it is not so that ${statementInWords(statement.statement)}`;
    case "all":
      return `for each of ${subject(statement)}: ${statementInWords(statement.statement)}`;
    case "any":
      return `for some of ${subject(statement)}: ${statementInWords(statement.statement)}`;
  }
}

/** What a contract allows, in a sentence; times as UTC. */
export function delegationInWords(delegation: Delegation): string {
  const { issuer, audience, subject: owner, command, policy, notBeforeSec, expiresAtSec } = delegation;
  const right = command === "/" ? "anything at all" : `${command} and what lies beneath it`;
  const whose =
    owner === null ? "whatever right it holds" : owner === issuer ? "its own right" : `the right of ${owner}`;
  const conditions = policy.map(statementInWords);
  const from = notBeforeSec === undefined ? "" : ` from ${time(notBeforeSec)}`;
  const until = expiresAtSec === null ? " without end" : ` until ${time(expiresAtSec)}`;
  const only = conditions.length === 0 ? "" : `, provided that ${conditions.join(", and ")}`;
  return `${issuer} lets ${audience} use ${whose} to do ${right}${only},${from}${until}.`;
}

/** The selector, as it stands in the token. */
function subject(statement: Extract<Statement, { selector: unknown }>): string {
  const selector = String((statement.source as readonly unknown[])[1]);
  return selector === "." ? "it" : selector.replace(/^\./, "");
}

function listed(statements: readonly Statement[], glue: string, empty: string): string {
  return statements.length === 0 ? empty : `(${statements.map(statementInWords).join(glue)})`;
}

function shown(value: Parameters<typeof ipldToJson>[0]): string {
  return JSON.stringify(ipldToJson(value));
}

function time(sec: number): string {
  const date = new Date(sec * 1000);
  return Number.isNaN(date.getTime()) ? `second ${sec}` : date.toISOString().replace(".000Z", "Z");
}
