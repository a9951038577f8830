import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import type { Act } from "../../../agent/entry/signEntry.ts";
import { DurableLines } from "./durable.ts";
import { flows } from "./flows.ts";

export interface Tally {
  runs: number;
  kills: number;
  effects: number;
  actsWithoutRecord: number;
  falseEntries: number;
}

const worker = join(import.meta.dirname, "worker.ts");

/** Kills the gateway at each thing that it does for a call, one run a point, and lets the next start enter what was left. */
export async function tortureKills(tally: Tally, onBroken: (what: string) => void): Promise<void> {
  for (const [name, flow] of Object.entries(flows)) {
    for (let point = 1; ; point++) {
      const folder = await mkdtemp(join(tmpdir(), "affiant-gateway-"));
      try {
        const lived = await run(folder, name, point);
        await run(folder, name, 0);
        tally.runs += 1;
        if (!lived) tally.kills += 1;
        judge(`${name}, killed at ${point}`, folder, flow.outcome, tally, onBroken);
        if (lived) break;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  }
}

async function run(folder: string, flow: string, point: number): Promise<boolean> {
  const child = spawn(process.execPath, ["--no-warnings", worker, folder, flow, String(point)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [out] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (child.signalCode !== "SIGKILL" && !out.includes("done")) throw new Error(`the worker failed (${flow}, ${point})`);
  return child.signalCode !== "SIGKILL";
}

function judge(what: string, folder: string, outcome: string, tally: Tally, onBroken: (what: string) => void): void {
  const effects = new DurableLines<string>(join(folder, "effects.jsonl")).all();
  const entries = new DurableLines<Act>(join(folder, "journal.jsonl")).all();
  tally.effects += effects.length;
  const broken = (kind: "actsWithoutRecord" | "falseEntries", why: string): void => {
    tally[kind] += 1;
    onBroken(`${what}: ${why}`);
  };
  const acts = entries.filter(({ kind }) => kind === "act");
  if (acts.length < effects.length) broken("actsWithoutRecord", `${effects.length} effects, ${acts.length} entries`);
  // A call that was claimed and never made is entered as unknown; nothing else may be without an effect.
  for (const { output } of acts) {
    const isUnknown = (output as { outcome?: unknown } | undefined)?.outcome === "unknown";
    if (isUnknown) continue;
    if (JSON.stringify(output) !== outcome) broken("falseEntries", `an entry says ${JSON.stringify(output)}`);
    else if (effects.length === 0) broken("falseEntries", "an entry says that it was done, and it was not");
  }
  if (acts.length > 1) broken("falseEntries", `one call has ${acts.length} entries`);
  if (entries.length !== acts.length) broken("falseEntries", "a call that was let through is entered as refused");
}
