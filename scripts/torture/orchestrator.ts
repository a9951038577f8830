/**
 * `npm run torture -- orchestrator [every] [orchestrator | others]`: brings a pipeline up while everything is killed at each of its steps, first the
 * orchestrator, then on another folder relayer, attestation service, wrappers and programs in turn; `every` = 3 takes
 * each third step, and a name only that half. In the end the pipeline has to be whole, nobody enrolled twice, no key with anybody else, and the
 * evidence true.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { readPipeline } from "../../orchestrator/descriptor/readPipeline.ts";
import type { Endpoints } from "../../orchestrator/start/endpoints.ts";
import { statusOf } from "../../orchestrator/start/work.ts";
import { faultsOf } from "./orchestrator/checks.ts";
import { type Found, processesOf } from "./orchestrator/processes.ts";
import { UpRun } from "./orchestrator/upRun.ts";

const root = join(import.meta.dirname, "../..");
const descriptor = join(root, "examples/grid/pipeline.yaml");
const every = Number(process.argv[2] ?? "1");
const victims: readonly Found["kind"][] = ["relayer", "wrapper", "program", "attestation"];
/**
 * A bring-up of four agents takes 27 steps from nothing. Each further start has steps of its own, of attestation and keys,
 * and could be killed for ever: from this step on it is let be.
 */
const lastStep = 36;
/** One process is not killed so often in a row that its supervisor rightly gives up. */
const restMs = 11_000;

let broken = 0;
for (const [name, kill] of [
  ["orchestrator", orchestratorAtEachStep],
  ["others", othersAtEachStep],
] as const) {
  if ((process.argv[3] ?? name) !== name) continue;
  const dataDir = mkdtempSync(join(tmpdir(), "affiant-torture-"));
  const began = Date.now();
  const { run, kills } = await kill(dataDir);
  try {
    const faults = [...(await whole(dataDir)), ...(await lastingFaults(dataDir))];
    if (faults.length > 0) broken++;
    const detail = faults.length > 0 ? faults.join("; ") : `whole after ${kills} kills`;
    console.log(`${faults.length > 0 ? "BROKEN" : "holds "}  ${name}: ${detail} (${seconds(began)} s)`);
  } finally {
    await run.end("SIGTERM");
    if (broken === 0) rmSync(dataDir, { recursive: true, force: true });
    else console.log(`left for you to look at: ${dataDir}`);
  }
}
console.log(JSON.stringify({ broken }));
process.exit(broken === 0 ? 0 : 1);

interface Ended {
  readonly run: UpRun;
  readonly kills: number;
}

/** Dies right after each step that it has on disk, and is started again. */
async function orchestratorAtEachStep(dataDir: string): Promise<Ended> {
  let kills = 0;
  for (let step = 1; ; step += every) {
    const run = new UpRun(descriptor, dataDir);
    if (step > lastStep || !(await run.reaches(step))) {
      if (await run.up()) return { run, kills };
      throw new Error(`it cannot go on after a kill at step ${step - every}:\n${run.output}`);
    }
    await run.end("SIGKILL");
    kills++;
    console.error(`orchestrator killed at step ${step}, ${run.steps()} on disk`);
  }
}

/** At each step one of the others dies; if that ends the attempt, the next one goes on. */
async function othersAtEachStep(dataDir: string): Promise<Ended> {
  let run = new UpRun(descriptor, dataDir);
  let kills = 0;
  const lastKilledMs = new Map<string, number>();
  for (let step = 3; ; step += every) {
    if (step > lastStep || !(await run.reaches(step))) {
      if (await run.up()) return { run, kills };
      console.error(`the attempt ended: ${run.output.trim().split("\n").at(-1) ?? ""}`);
      run = new UpRun(descriptor, dataDir);
    }
    const rested = ({ kind, agent }: Found) => Date.now() - (lastKilledMs.get(`${kind} ${agent}`) ?? 0) > restMs;
    const kind = victims[kills % victims.length];
    const found = processesOf(dataDir).filter((one) => one.kind === kind && rested(one));
    const victim = found[step % Math.max(1, found.length)];
    if (!victim) continue;
    lastKilledMs.set(`${victim.kind} ${victim.agent}`, Date.now());
    killIfThere(victim.pid);
    kills++;
    console.error(`${victim.kind} ${victim.agent ?? ""} killed at step ${step}`);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself meanwhile
  }
}

/** Waits until all work is done, under the group's key, and has it audited. @returns what is wrong */
async function whole(dataDir: string): Promise<readonly string[]> {
  const { agents, rpcUrl } = JSON.parse(readFileSync(join(dataDir, "endpoints.json"), "utf8")) as Endpoints;
  for (const until = Date.now() + 240_000; ; await sleep(500)) {
    const status = await statusOf(Object.values(agents));
    if (status?.waiting === 0) break;
    if (Date.now() > until) return [`work is left to do: ${JSON.stringify(status)}`];
  }
  const file = join(dataDir, "evidence.jsonl");
  const affiant = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(root, "cli/affiant.js"), ...args], { maxBuffer: 1 << 28 });
  try {
    await affiant("log", "export", "--data", dataDir, "--out", file);
    await affiant("audit", file, "--rpc", rpcUrl, "--strict");
    return [];
  } catch (error) {
    return [`the audit: ${(error as { stdout?: string }).stdout ?? String(error)}`];
  }
}

/** Who was killed last may still be on its way back. */
async function lastingFaults(dataDir: string): Promise<readonly string[]> {
  for (const until = Date.now() + 120_000; ; await sleep(1_000)) {
    const faults = await faultsOf(readPipeline(descriptor), dataDir);
    if (faults.length === 0 || Date.now() > until) return faults;
  }
}

function seconds(sinceMs: number): number {
  return Math.round((Date.now() - sinceMs) / 1000);
}
