/** `npm run bench -- pipeline [4 16 64]`: how long a pipeline takes from nothing to attested and keyed, and its gas. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { JsonRpcProvider } from "ethers";

import { readPipeline } from "../../orchestrator/descriptor/readPipeline.ts";
import type { Progress } from "../../orchestrator/start/progress.ts";
import { startSystem } from "../../orchestrator/start/startSystem.ts";
import type { RunningSystem } from "../../orchestrator/start/system.ts";
import type { BenchReport, BenchRow } from "./report.ts";

const defaultSizes = [4, 16, 64];
/** Phases in the order in which the orchestrator reports them. */
const phases = ["deployment", "configuration", "attestation", "keys"] as const;

export async function bench(args: readonly string[]): Promise<BenchReport> {
  const sizes = args.length > 0 ? args.map(Number) : defaultSizes;
  const rows: BenchRow[] = [];
  for (const size of sizes) rows.push(...(await measure(size)));
  return {
    rows,
    notes: [
      "From an empty folder: chain, contracts, relayer, attestation service; each agent with its own keys, registered, its policy committed, wrapped, enrolled and verified by another; one group of all, its key acknowledged by nobody: these agents do nothing.",
      "Agents are the lightest there can be (two Node processes each, wrapper and program): more than 64 need another machine than one with 24 GB and two cores.",
      "Gas: all transactions of all blocks after the last contract was deployed, until every agent is attested and the key is published, divided by the agents.",
      "Attestation is the bootstrap: whoever is enrolled is verified by one that was verified before, the first by the service.",
    ],
  };
}

async function measure(size: number): Promise<readonly BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "affiant-pipeline-"));
  const clock = new PhaseClock();
  const stop = new AbortController();
  let system: RunningSystem | undefined;
  try {
    system = await startSystem(
      {
        dataDir: join(folder, "data"),
        pipeline: readPipeline(writeDescriptor(folder, size)),
        relayerPort: 0,
        rpcPort: 0,
        environment: process.env,
        acknowledgedWithinMs: 0,
        stop: stop.signal,
        onBroken: (error) => console.error(error.message),
      },
      clock,
    );
    const total = clock.totalMs() / 1000;
    const { gas, transactions } = await gasSince(system);
    const named = (what: string) => `${what}, ${size} agents`;
    return [
      { name: named("from nothing to attested and keyed"), value: total, unit: "s" },
      ...phases.map((phase, i) => ({ name: named(`  ${phase}`), value: clock.secondsOf(i), unit: "s" })),
      { name: named("gas an agent"), value: gas / size, unit: "gas" },
      { name: named("transactions an agent"), value: transactions / size, unit: "transactions" },
    ];
  } finally {
    await system?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Deployment has several stages; the three after it one each. */
class PhaseClock implements Progress {
  readonly #beganMs = performance.now();
  readonly #ends: number[] = [];
  readonly #deployed: number[] = [];

  begin(what: string): void {
    if (what.startsWith("Configuring")) this.#deployed.push(performance.now());
  }
  update(): void {}
  done(): void {
    this.#ends.push(performance.now());
  }
  note(text: string): void {
    console.error(text);
  }
  totalMs(): number {
    return (this.#ends.at(-1) ?? 0) - this.#beganMs;
  }
  secondsOf(phase: number): number {
    const borders = [this.#beganMs, this.#deployed[0] ?? this.#beganMs, ...this.#ends.slice(-3)];
    return ((borders[phase + 1] ?? 0) - (borders[phase] ?? 0)) / 1000;
  }
}

/** Gas of everything since the deployment, which is known by its last contract's block. */
async function gasSince({ endpoints, deployment }: RunningSystem) {
  const provider = new JsonRpcProvider(endpoints.rpcUrl, undefined, { staticNetwork: true });
  try {
    const first = Math.max(...Object.values(deployment.contracts).map(({ blockNumber }) => blockNumber)) + 1;
    const last = await provider.getBlockNumber();
    let gas = 0;
    let transactions = 0;
    for (let number = first; number <= last; number++) {
      const block = await provider.getBlock(number);
      gas += Number(block?.gasUsed ?? 0n);
      transactions += block?.transactions.length ?? 0;
    }
    return { gas, transactions };
  } finally {
    provider.destroy();
  }
}

function writeDescriptor(folder: string, size: number): string {
  const source = join(folder, "pipeline");
  cpSync(join(import.meta.dirname, "pipeline/idle"), source, { recursive: true });
  const names = Array.from({ length: size }, (_, i) => `agent-${i + 1}`);
  const agents = names.map((name, i) => {
    // Different operators verify each other.
    return `  - { name: ${name}, role: idle, program: main.ts, policy: policy, operator: op-${i % 4}, memoryMb: 64 }`;
  });
  const lines = ["format: affiant-pipeline/2", "name: bench", "agents:", ...agents];
  lines.push("groups:", `  - { name: all, members: [${names.join(", ")}] }`);
  const path = join(source, "pipeline.yaml");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}
