import type { Json } from "../../protocol/json/canonical.ts";
import type { Row } from "./row.ts";

/** What is looked for: every part must fit. */
export interface Filter {
  /** `refund -test input.amount>100 agent:payment`; quotes keep blanks. */
  readonly text: string;
  readonly agent?: string;
  readonly act?: string;
  readonly proof?: string;
  readonly rules?: string;
  readonly rule?: string;
  readonly counterpart?: string;
}

export const noFilter: Filter = { text: "" };

type Test = (row: Row) => boolean;

/** @param nameOf what an agent is called on the page */
export function testOf(filter: Filter, nameOf: (did: string) => string): Test {
  const tests: Test[] = tokensOf(filter.text).map((token) => testOfToken(token, nameOf));
  const { agent, act, proof, rules, rule, counterpart } = filter;
  if (agent) tests.push((row) => row.agent === agent);
  if (act) tests.push((row) => row.act === act);
  if (proof) tests.push((row) => row.proof === proof);
  if (rules) tests.push((row) => row.conduct === rules);
  if (rule) tests.push((row) => row.rules.some(({ ruleId }) => ruleId === rule));
  if (counterpart) tests.push((row) => row.counterpart === counterpart);
  return (row) => {
    for (const test of tests) if (!test(row)) return false;
    return true;
  };
}

export function tokensOf(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map(([token]) => token.replaceAll('"', ""));
}

const outcomes: Readonly<Record<string, string>> = { proven: "holds", contradicted: "fails", unproven: "unproven" };
const conducts: Readonly<Record<string, string>> = {
  kept: "conforms",
  broken: "violates",
  undecided: "undecidable",
};

function testOfToken(token: string, nameOf: (did: string) => string): Test {
  if (token.startsWith("-") && token.length > 1) {
    const inner = testOfToken(token.slice(1), nameOf);
    return (row) => !inner(row);
  }
  const [, path, operator, value] = /^([A-Za-z_][\w.-]*)(!=|>=|<=|=|>|<|~)(.*)$/s.exec(token) ?? [];
  if (path !== undefined && operator !== undefined && value !== undefined) return testOfField(path, operator, value);
  const [, key, rest] = /^([a-z]+):(.+)$/s.exec(token) ?? [];
  const test = key === undefined || rest === undefined ? undefined : testOfKey(key, rest.toLowerCase(), nameOf);
  if (test) return test;
  const wanted = token.toLowerCase();
  return (row) => row.text.includes(wanted);
}

function testOfKey(key: string, wanted: string, nameOf: (did: string) => string): Test | undefined {
  const has = (value: string | null): boolean => value !== null && value.toLowerCase().includes(wanted);
  const isNamed = (did: string | null): boolean => did !== null && (has(did) || has(nameOf(did)));
  switch (key) {
    case "agent":
      return (row) => isNamed(row.agent);
    case "with":
      return (row) => isNamed(row.counterpart);
    case "act":
      return (row) => has(row.act);
    case "kind":
      return (row) => has(row.kind);
    case "thread":
      return (row) => has(row.thread);
    case "policy":
      return (row) => has(row.policyName) || has(row.policyHash);
    case "contract":
      return (row) => has(row.contract);
    case "rule":
      return (row) => row.rules.some(({ ruleId, rule }) => has(ruleId) || has(rule));
    case "proof":
      return (row) => row.proof === (outcomes[wanted] ?? wanted);
    case "rules":
      return (row) => row.conduct === (conducts[wanted] ?? wanted);
    default:
      return undefined;
  }
}

/** `amount>100` asks the act's money; `input.amount>100`, `input.items.sku=TEA` any disclosed field, lists item by item. */
function testOfField(path: string, operator: string, value: string): Test {
  const steps = path.split(".");
  const compare = comparison(operator, value);
  if (path === "amount") return (row) => row.amount !== null && compare(row.amount.value);
  if (path === "seq" || path === "line") return (row) => compare(row[path]);
  if (path === "block") return (row) => compare(row.from.block);
  return (row) => valuesAt(row.disclosed as Json, steps, 0).some(compare);
}

function comparison(operator: string, wanted: string): (value: Json) => boolean {
  const number = wanted.trim() === "" ? NaN : Number(wanted);
  const lower = wanted.toLowerCase();
  const text = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value)).toLowerCase();
  const order = (value: Json, test: (a: number, b: number) => boolean): boolean => {
    const own = typeof value === "number" ? value : typeof value === "string" && value !== "" ? Number(value) : NaN;
    return test(own, number);
  };
  switch (operator) {
    case "=":
      return (value) => text(value) === lower;
    case "!=":
      return (value) => text(value) !== lower;
    case "~":
      return (value) => text(value).includes(lower);
    case ">":
      return (value) => order(value, (a, b) => a > b);
    case ">=":
      return (value) => order(value, (a, b) => a >= b);
    case "<":
      return (value) => order(value, (a, b) => a < b);
    default:
      return (value) => order(value, (a, b) => a <= b);
  }
}

function valuesAt(value: Json | undefined, steps: readonly string[], from: number): Json[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return (value as Json[]).flatMap((item) => valuesAt(item, steps, from));
  const step = steps[from];
  if (step === undefined) return [value];
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return [];
  return valuesAt((value as { readonly [key: string]: Json })[step], steps, from + 1);
}
