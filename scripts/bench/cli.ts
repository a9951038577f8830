/** `npm run bench -- cli`: what a command line costs that only says who it is, beside a Node that does nothing. */
import { join } from "node:path";

import type { BenchReport } from "./report.ts";
import { timed } from "./start.ts";

const root = join(import.meta.dirname, "../..");
const runs = 20;

export async function bench(): Promise<BenchReport> {
  const meanMs = async (command: string): Promise<number> => {
    const { cpuSec } = await timed(root, `for i in $(seq ${runs}); do '${process.execPath}' ${command}; done`);
    return (cpuSec * 1_000) / runs;
  };
  const nothing = await meanMs("-e 0");
  const version = await meanMs("cli/affiant.js --version");
  const help = await meanMs("cli/affiant.js --help");
  const peer = { name: "node -e 0", value: nothing, source: "run" as const };
  return {
    rows: [
      { name: "CPU of affiant --version", value: version, unit: "ms", peer },
      { name: "CPU of affiant --help", value: help, unit: "ms", target: 150, peer },
      { name: "affiant --version, by node -e 0", value: version / nothing, unit: "×", target: 4 },
    ],
    notes: [`Means of ${runs} runs one after the other, user and system time.`],
  };
}
