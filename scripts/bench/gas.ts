/**
 * `npm run gas`: measures every operation under today's prices and those of the next fork, prints it beside the committed
 * snapshot and fails if one costs more. `-- --update` writes the snapshot, `-- --against FOLDER` prints another build's
 * figures of the same run beside ours, `-- --schedule osaka` measures one schedule alone.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { takeAgainst } from "./against.ts";
import type { GasRow } from "./gas/row.ts";
import { type GasSchedule, gasSchedules } from "./gas/schedules.ts";

type Measured = Readonly<Record<string, readonly GasRow[]>>;
type Snapshot = Partial<Record<GasSchedule, Record<string, Record<string, number>>>>;

const root = join(import.meta.dirname, "../..");
const file = join(root, "snapshots/gas.json");
const { folder, rest } = takeAgainst(process.argv.slice(2));
const update = rest.includes("--update");
const only = rest[rest.indexOf("--schedule") + 1];
const chosen = rest.includes("--schedule") ? gasSchedules.filter((name) => name === only) : gasSchedules;
const before = await readSnapshot();
const now: Snapshot = { ...before };
const exceeded: string[] = [];

for (const schedule of chosen) {
  const ours = await measureIn(root, schedule);
  const theirs = folder === undefined ? {} : await measureIn(folder, schedule);
  now[schedule] = Object.fromEntries(Object.entries(ours).map(([topic, rows]) => [topic, figuresOf(rows)]));
  for (const [topic, rows] of Object.entries(ours)) printTopic(schedule, topic, rows, theirs[topic] ?? []);
}

if (update) {
  await writeFile(file, `${JSON.stringify(now, null, 2)}\n`);
  console.log("\nwritten: snapshots/gas.json");
} else if (exceeded.length > 0) {
  console.error(
    `\nMore gas than the snapshot allows (accept with \`npm run gas -- --update\`):\n${exceeded.join("\n")}`,
  );
  process.exitCode = 1;
}

function printTopic(schedule: GasSchedule, topic: string, rows: readonly GasRow[], theirs: readonly GasRow[]): void {
  const titles = ["gas", "snapshot", "target", ...(folder === undefined ? [] : ["theirs", "ratio"])];
  console.log(`\n${`${topic} (${schedule})`.padEnd(34)}${titles.map((title) => title.padStart(10)).join("")}`);
  for (const { name, gas, target, noise = 0 } of rows) {
    const known = before[schedule]?.[topic]?.[name];
    const over = known === undefined || gas > known + noise;
    if (over) exceeded.push(`${schedule}, ${topic}: ${name}: ${gas}, snapshot ${known ?? "has none"}`);
    const other = theirs.find((row) => row.name === name)?.gas;
    const beside = folder === undefined ? [] : [other ?? "-", other === undefined ? "-" : (gas / other).toFixed(3)];
    // Targets are of today's prices.
    const columns = [gas, known ?? "-", schedule === "osaka" ? (target ?? "") : "", ...beside];
    const text = columns.map((column) => String(column).padStart(10)).join("");
    console.log(`${name.padEnd(34)}${text}${over ? "  above the snapshot" : ""}`);
  }
}

function figuresOf(rows: readonly GasRow[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, gas }) => [name, gas]));
}

async function measureIn(build: string, schedule: GasSchedule): Promise<Measured> {
  const program = join(import.meta.dirname, "gas/measureBuild.ts");
  const words = ["--disable-warning=ExperimentalWarning", program, build, schedule];
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Measured;
}

async function readSnapshot(): Promise<Snapshot> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Snapshot;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
