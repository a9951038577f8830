import { inspect } from "node:util";

import { isDebugging } from "./environment.ts";
import { explain } from "./explain.ts";
import { toProblem } from "../protocol/errors/problem.ts";

/** What a command found or did. */
export interface Outcome {
  /** Printed with `--json`. */
  readonly data: unknown;
  /** Printed otherwise, one element a line. */
  readonly lines: readonly string[];
  /** Default true. False ends with exit code 1. */
  readonly ok?: boolean;
  /** Where a command has finer codes than `ok`. */
  readonly exitCode?: number;
}

export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

export function printOutcome(outcome: Outcome, json: boolean): void {
  process.stdout.write(
    json ? `${JSON.stringify(outcome.data, null, 2)}\n` : outcome.lines.map((line) => `${line}\n`).join(""),
  );
  process.exitCode = outcome.exitCode ?? (outcome.ok === false ? exitCodes.failed : exitCodes.ok);
}

/** One line, what to do, and the code: on stderr, as an RFC 9457 problem with `--json`. Sets the exit code. */
export function printError(thrown: unknown, json: boolean): void {
  const error = explain(thrown);
  process.exitCode = error.code.startsWith("ERR_INPUT_") ? exitCodes.usage : exitCodes.failed;
  if (json) {
    process.stderr.write(`${JSON.stringify(toProblem(error))}\n`);
    return;
  }
  process.stderr.write(`error: ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
  process.stderr.write(`  ${error.code}\n`);
  if (isDebugging()) process.stderr.write(`${inspect(thrown)}\n`);
}

/** Names and values in two columns. */
export function columns(rows: readonly (readonly [name: string, value: string | number | undefined])[]): string[] {
  const shown = rows.filter(([, value]) => value !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** A table with a heading; columns are as wide as their widest cell. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heading.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(heading), ...rows.map(line)];
}
