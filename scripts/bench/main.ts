/** `npm run bench -- <name> [--against FOLDER] [--json] [arguments]`: runs `scripts/bench/<name>.ts` and prints its report. */
import { readdirSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";

import type { Bench, BenchReport, BenchRow } from "./report.ts";

const [name, ...rest] = process.argv.slice(2);
const json = rest.includes("--json");

// `gas` is a program of its own: npm run gas.
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !["main.ts", "gas.ts", "report.ts", "against.ts"].includes(file))
  .map((file) => file.slice(0, -".ts".length));

if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- <${names.join(" | ")}> [--json]`);
  process.exitCode = 2;
} else {
  const { bench } = (await import(join(import.meta.dirname, `${name}.ts`))) as { bench: Bench };
  const report = await bench(rest.filter((argument) => argument !== "--json"));
  if (json) printJson(name, report);
  else printTable(report);
}

function printJson(bench: string, report: BenchReport): void {
  const machine = { node: process.version, cores: availableParallelism(), cpu: cpus()[0]?.model.trim() ?? "unknown" };
  const rows = report.rows.map((row) => ({ ...row, ...(row.peer && { ratio: ratioOf(row) }) }));
  console.log(JSON.stringify({ bench, machine, rows, notes: report.notes ?? [] }, null, 2));
}

function printTable(report: BenchReport): void {
  const table = report.rows.map((row) => ({
    figure: row.name,
    ours: row.value === null ? "not compared" : `${format(row.value)} ${row.unit}`,
    target: row.target === undefined ? "" : format(row.target),
    peer: row.peer ? `${row.peer.name}: ${format(row.peer.value)}${row.peer.source === "published" ? " *" : ""}` : "",
    "ours / peer": ratioOf(row)?.toString() ?? "",
  }));
  console.table(table);
  if (report.rows.some((row) => row.peer?.source === "published")) console.log("* published figure, not measured here");
  for (const note of report.notes ?? []) console.log(note);
}

function ratioOf(row: BenchRow): number | undefined {
  return row.peer === undefined || row.peer.value === 0 || row.value === null
    ? undefined
    : round(row.value / row.peer.value);
}

function format(value: number): string {
  return round(value).toLocaleString("en");
}

function round(value: number): number {
  return Number(value.toPrecision(Math.max(3, Math.trunc(value).toString().length)));
}
