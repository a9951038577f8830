/**
 * `npm run gas`: measures every operation, prints it beside the committed snapshot and fails if one costs more.
 * `npm run gas -- --update` writes the snapshot.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { topics } from "./gas/topics.ts";

type Snapshot = Record<string, Record<string, number>>;

const file = join(import.meta.dirname, "../../snapshots/gas.json");
const update = process.argv.includes("--update");
const before = await readSnapshot();
const now: Snapshot = {};
const exceeded: string[] = [];

for (const [topic, measure] of Object.entries(topics)) {
  const measured: Record<string, number> = {};
  console.log(`\n${topic.padEnd(34)}${"gas".padStart(9)}${"snapshot".padStart(10)}${"target".padStart(9)}`);
  for (const { name, gas, target, noise = 0 } of await measure()) {
    const known = before[topic]?.[name];
    const over = known === undefined || gas > known + noise;
    if (over) exceeded.push(`${topic}: ${name}: ${gas}, snapshot ${known ?? "has none"}`);
    const columns = [String(gas).padStart(9), String(known ?? "-").padStart(10), String(target ?? "").padStart(9)];
    console.log(`${name.padEnd(34)}${columns.join("")}${over ? "  above the snapshot" : ""}`);
    measured[name] = gas;
  }
  now[topic] = measured;
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

async function readSnapshot(): Promise<Snapshot> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Snapshot;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
