import { inspect } from "node:util";

import { isDebugging } from "./environment.ts";
import { explain } from "./explain.ts";
import { printJson, printLines } from "../host/terminal/print.ts";
import { toProblem } from "../protocol/errors/problem.ts";
import { escapeControls } from "../protocol/text/escapeControls.ts";

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
  if (json) printJson("stdout", outcome.data, 2);
  else printLines("stdout", outcome.lines);
  process.exitCode = outcome.exitCode ?? (outcome.ok === false ? exitCodes.failed : exitCodes.ok);
}

/** One line, what to do, and the code: on stderr, as an RFC 9457 problem with `--json`. Sets the exit code. */
export function printError(thrown: unknown, json: boolean): void {
  const error = explain(thrown);
  process.exitCode = error.code.startsWith("ERR_INPUT_") ? exitCodes.usage : exitCodes.failed;
  if (json) {
    printJson("stderr", toProblem(error));
    return;
  }
  printLines("stderr", [
    `error: ${error.message}`,
    ...[error.hint, error.code].flatMap((line) => (line === undefined ? [] : [`  ${line}`])),
  ]);
  if (isDebugging()) printLines("stderr", inspect(thrown).split("\n"));
}

/** Names and values in two columns. */
export function columns(rows: readonly (readonly [name: string, value: string | number | undefined])[]): string[] {
  const shown = rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [escapeControls(name), value] as const);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** A table with a heading; columns are as wide as their widest cell. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  // As they will be shown: what is escaped is longer.
  const shown = rows.map((row) => row.map(escapeControls));
  const widths = heading.map((title, i) => Math.max(title.length, ...shown.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(heading), ...shown.map(line)];
}
