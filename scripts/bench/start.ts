/** `npm run bench -- start [PAIRS] [--against FOLDER]`: `npm start -- --once` as a user types it, from an empty data folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { againstRow, alternate, median, type Pairs, takeAgainst } from "./against.ts";
import type { BenchReport } from "./report.ts";

const here = join(import.meta.dirname, "../..");
const target = 0.35;

interface Cost {
  readonly wallSec: number;
  /** User and system time of all processes. */
  readonly cpuSec: number;
}

export async function bench(args: readonly string[]): Promise<BenchReport> {
  const { folder, rest } = takeAgainst(args);
  const count = Number(rest[0] ?? 3);
  if (!Number.isInteger(count) || count < 1)
    throw new AffiantError("ERR_INPUT_CONFIG", "PAIRS is a whole number from 1");
  // What is compiled once is compiled before.
  await prepared(here);
  const [ours, theirs]: [Cost[], Cost[]] = [[], []];
  const costOf = (where: string, into: Cost[]) => async () => {
    const cost = await started(where);
    into.push(cost);
    return cost.wallSec;
  };
  if (folder === undefined) for (let i = 0; i < count; i++) await costOf(here, ours)();
  else {
    await prepared(folder);
    await alternate(count, costOf(here, ours), costOf(folder, theirs));
  }
  const pairs = (figure: keyof Cost): Pairs | undefined =>
    folder === undefined
      ? undefined
      : {
          ours: ours.map((cost) => cost[figure]),
          theirs: theirs.map((cost) => cost[figure]),
          ratios: ours.map((cost, i) => cost[figure] / (theirs[i] as Cost)[figure]),
        };
  const ofTheirs = (figure: keyof Cost) =>
    folder === undefined
      ? {}
      : {
          peer: { name: "the other build", value: median(theirs.map((cost) => cost[figure])), source: "run" as const },
        };
  return {
    rows: [
      { name: "wall time", value: median(ours.map(({ wallSec }) => wallSec)), unit: "s", ...ofTheirs("wallSec") },
      { name: "CPU time", value: median(ours.map(({ cpuSec }) => cpuSec)), unit: "s", ...ofTheirs("cpuSec") },
      againstRow("wall time", pairs("wallSec"), target),
      againstRow("CPU time", pairs("cpuSec"), target),
    ],
    notes: [
      `${count} runs of npm start -- --once${folder === undefined ? "" : " of each build, in pairs"}, contracts and programs compiled before, each from an empty data folder; every verdict held. CPU time is of all processes that were waited for.`,
    ],
  };
}

/** Contracts compiled, and programs bundled where a build does that. */
async function prepared(folder: string): Promise<void> {
  await timed(folder, "npm run --silent build && npm start --silent -- --help");
}

async function started(folder: string): Promise<Cost> {
  const data = mkdtempSync(join(tmpdir(), "affiant-start-"));
  try {
    return await timed(folder, `npm start --silent -- --once --port 0 --rpc-port 0 --data '${data}'`);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** The shell knows what the processes cost that it waited for, and those that they waited for. */
export async function timed(folder: string, command: string): Promise<Cost> {
  const scratch = mkdtempSync(join(tmpdir(), "affiant-timed-"));
  const [log, times] = [join(scratch, "log"), join(scratch, "times")];
  const script = `( ${command} ) > '${log}' 2>&1; code=$?; times > '${times}'; exit $code`;
  const beganMs = performance.now();
  try {
    const child = spawn("bash", ["-c", script], { cwd: folder, stdio: "inherit" });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) {
      const last = readFileSync(log, "utf8").trimEnd().split("\n").slice(-5).join("\n");
      throw new AffiantError("ERR_UNAVAILABLE_PROCESS", `${command} in ${folder} ended with ${code}:\n${last}`);
    }
    const wallSec = (performance.now() - beganMs) / 1_000;
    // The shell itself, and what it waited for: 0m0.012s 0m0.004s in two lines.
    const spent = [...readFileSync(times, "utf8").matchAll(/(\d+)m([\d.]+)s/g)];
    if (spent.length !== 4) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "the shell does not say what it spent");
    return { wallSec, cpuSec: spent.reduce((sum, [, min, sec]) => sum + 60 * Number(min) + Number(sec), 0) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
