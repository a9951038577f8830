import { readFileSync } from "node:fs";

import { parse } from "yaml";

import type { Json } from "../../../protocol/json/canonical.ts";

/** What a case must come to; every member that is given is held to. `test/cases/README.md` describes them. */
export interface Expectation {
  /** Exit code of the command. */
  readonly code?: number;
  /** Code of the error that it names. */
  readonly error?: string;
  /** Texts that stand in what it prints. */
  readonly says?: readonly string[];
  /** Texts that do not. */
  readonly saysNot?: readonly string[];
  /** Entries on record afterwards, in this order: of each, the members that are given. */
  readonly entries?: readonly Json[];
  /** What reached the server, text by text. */
  readonly server?: readonly string[];
  /** What reached the client, in this order: a text byte for byte, an object in the members that are given. */
  readonly client?: readonly Json[];
  /** HTTP status. */
  readonly status?: number;
  /** Signatures on the card that was written. */
  readonly signatures?: number;
  /** Whether A2A's own package takes ours on the card. */
  readonly a2a?: "verifies";
}

const known = ["code", "error", "says", "saysNot", "entries", "server", "client", "status", "signatures", "a2a"];

/** @throws Error for an expectation that expects nothing, or something unknown */
export function readExpectation(file: string): Expectation {
  const value = parse(readFileSync(file, "utf8"), { schema: "core" }) as unknown;
  if (typeof value !== "object" || value === null || Array.isArray(value) || Object.keys(value).length === 0) {
    throw new Error("the expectation expects nothing");
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`the expectation has an unknown member ${unknown}`);
  return value as Expectation;
}

/** What came of a case, in the same terms. What a kind of case does not have is absent. */
export interface Outcome {
  readonly code?: number | null;
  readonly printed?: string;
  readonly entries?: readonly Json[];
  readonly server?: readonly string[];
  readonly client?: readonly string[];
  readonly status?: number;
  readonly signatures?: number;
  readonly a2a?: string;
}

/** Where an outcome is not the expected one. */
export function differences(expected: Expectation, outcome: Outcome): readonly string[] {
  const found: string[] = [];
  const same = (what: string, want: unknown, got: unknown): void => {
    if (want !== undefined && want !== got)
      found.push(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
  };
  const printed = outcome.printed ?? "";
  same("the exit code", expected.code, outcome.code);
  same("the status", expected.status, outcome.status);
  same("the number of signatures", expected.signatures, outcome.signatures);
  same("what A2A's package says", expected.a2a, outcome.a2a);
  if (expected.error !== undefined && !printed.includes(expected.error))
    found.push(`${expected.error} is not named in: ${printed.slice(0, 400)}`);
  for (const text of expected.says ?? []) {
    if (!printed.includes(text)) found.push(`${JSON.stringify(text)} is not said in: ${printed.slice(0, 600)}`);
  }
  for (const text of expected.saysNot ?? []) if (printed.includes(text)) found.push(`${JSON.stringify(text)} is said`);
  list("server", expected.server, outcome.server);
  list("client", expected.client, outcome.client);
  list("entries", expected.entries, outcome.entries);
  return found;

  function list(what: string, want: readonly Json[] | undefined, got: readonly Json[] | undefined): void {
    if (want === undefined) return;
    if (want.length !== (got?.length ?? 0))
      found.push(`${what}: ${got?.length ?? 0}, not ${want.length}: ${JSON.stringify(got).slice(0, 600)}`);
    want.forEach((item, at) => {
      const one = got?.[at];
      const value = typeof item === "object" && typeof one === "string" ? (JSON.parse(one) as Json) : one;
      if (!matches(item, value)) found.push(`${what}[${at}] is ${JSON.stringify(value)}, not ${JSON.stringify(item)}`);
    });
  }
}

/** An object matches in the members that are wanted; anything else must be equal. */
function matches(want: Json, got: Json | undefined): boolean {
  if (typeof want !== "object" || want === null) return want === got;
  if (typeof got !== "object" || got === null || Array.isArray(want) !== Array.isArray(got)) return false;
  if (Array.isArray(want)) {
    const others = got as readonly Json[];
    return want.length === others.length && want.every((item, at) => matches(item as Json, others[at]));
  }
  return Object.entries(want).every(([key, item]) =>
    matches(item as Json, (got as { readonly [key: string]: Json })[key]),
  );
}
