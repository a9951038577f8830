import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openSenderKey } from "../../relayer/sender/signer.ts";
import { percentile } from "./ingest/load.ts";
import { startWorld, type World } from "./ingest/world.ts";
import { mineRate, signRate } from "./relayer/alone.ts";
import { signCalls } from "./relayer/calls.ts";
import { drive, type Driven } from "./relayer/drive.ts";
import type { Bench, BenchReport, BenchRow } from "./report.ts";

export interface RelayerBenchOptions {
  /** Seconds of load to sign calls for, judged by what the node alone mines. */
  readonly seconds: number;
  readonly onProgress?: (text: string) => void;
}

const blockSec = 1;
/** Transactions of a lane that may wait to be mined: four lanes fill a block of 30 million gas. */
const inFlight = 96;

/** `npm run bench -- relayer [--seconds 15]`: sponsored requests over real HTTP until they are mined, 1-second blocks. */
export const bench: Bench = (args) => {
  const at = args.indexOf("--seconds");
  return run({ seconds: at >= 0 ? Number(args[at + 1]) : 15, onProgress: (text) => console.error(text) });
};

export async function run({ seconds, onProgress = () => undefined }: RelayerBenchOptions): Promise<BenchReport> {
  const alone = await inWorld(4, (world) => measureAlone(world, seconds));
  onProgress(`alone: the node mines ${alone.mined.toFixed(0)}/s, ethers signs ${alone.signed.toFixed(0)}/s`);
  const count = Math.ceil(alone.mined * seconds);
  const four = await inWorld(4, (world) => measureLanes(world, 4, count));
  onProgress(`4 lanes: ${four.full.perSec.toFixed(0)}/s`);
  const one = await inWorld(1, (world) => measureLanes(world, 1, Math.ceil(count / 3)));
  onProgress(`1 lane: ${one.full.perSec.toFixed(0)}/s`);
  const node = { name: "the node alone, signed beforehand", value: alone.mined, source: "run" as const };
  const signer = { name: "ethers alone, one thread", value: alone.signed, source: "run" as const };
  const bar = 0.7 * Math.min(alone.mined, alone.signed);
  const rows: BenchRow[] = [
    { name: "4 lanes, requests mined", value: four.full.perSec, unit: "requests/s", target: bar, peer: node },
    { name: "4 lanes, requests mined", value: four.full.perSec, unit: "requests/s", target: bar, peer: signer },
    { name: "1 lane, requests mined", value: one.full.perSec, unit: "requests/s" },
    ...latencies("4 lanes, all they carry", four.full),
    ...latencies("4 lanes, half of it", four.half),
    ...latencies("1 lane, all it carries", one.full),
    { name: "4 lanes, CPU of the relayer", value: four.cpuSec * 1e6, unit: "µs/request" },
    { name: "ethers alone, signing", value: 1e6 / alone.signed, unit: "µs/request" },
  ];
  const notes = [
    `Blocks come each second and hold 30 million gas; ${inFlight} transactions of a lane may be in flight.`,
    "A request is a registration of a new account; its transaction is mined when the bench sees the block.",
    "Load, node and relayer share this machine's cores.",
  ];
  return { rows, notes };
}

function latencies(name: string, { acceptedMs, minedMs }: Driven): BenchRow[] {
  return [
    { name: `${name}: accepted, p50`, value: percentile(acceptedMs, 0.5), unit: "ms" },
    { name: `${name}: accepted, p99`, value: percentile(acceptedMs, 0.99), unit: "ms" },
    { name: `${name}: mined, p50`, value: percentile(minedMs, 0.5), unit: "ms" },
    { name: `${name}: mined, p99`, value: percentile(minedMs, 0.99), unit: "ms" },
  ];
}

/** A chain with 1-second blocks and a relayer with so many lanes, all funded. */
async function inWorld<T>(lanes: number, work: (world: World) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "affiant-bench-lanes-"));
  const files = Array.from({ length: lanes - 1 }, (_, i) => join(dir, `lane${i + 2}.key`));
  const world = await startWorld({
    AFFIANT_LANE_KEY_FILES: files.join(","),
    AFFIANT_LANE_IN_FLIGHT: String(inFlight),
    AFFIANT_POLL_INTERVAL_MS: "100",
    AFFIANT_CONFIRMATIONS: "3",
  });
  try {
    for (const file of files) {
      await world.provider.send("anvil_setBalance", [openSenderKey(file).address, "0x56bc75e2d63100000"]);
    }
    await world.provider.send("evm_setAutomine", [false]);
    await world.provider.send("evm_setIntervalMining", [blockSec]);
    return await work(world);
  } finally {
    await world.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measureAlone({ deployment, provider, rpcUrl }: World, seconds: number) {
  const calls = await signCalls(deployment, 340 * Math.min(seconds, 10));
  const signed = await signRate(deployment.chainId, calls, 3);
  const mined = await mineRate(provider, rpcUrl, deployment.chainId, calls, 4);
  return { signed, mined };
}

async function measureLanes(world: World, lanes: number, count: number) {
  const { url, provider, deployment } = world;
  const calls = await signCalls(deployment, 256 + count + Math.ceil(count / 4));
  const full = { outstanding: lanes * inFlight * 1.5, everyMs: 0 };
  // Compiled code, caches and connections first.
  await drive(url, provider, calls.slice(0, 256), full);
  const before = await world.relayerUse();
  const all = await drive(url, provider, calls.slice(256, 256 + count), full);
  const after = await world.relayerUse();
  const everyMs = 1_000 / (all.perSec / 2);
  const half = await drive(url, provider, calls.slice(256 + count), { ...full, everyMs });
  return { full: all, half, cpuSec: (after.cpuSec - before.cpuSec) / count };
}
