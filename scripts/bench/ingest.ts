import { availableParallelism } from "node:os";

import { againstRow, takeAgainst } from "./against.ts";
import { compareIngest } from "./ingest/compare.ts";
import { batchCall, drive, type LoadResult, percentile, singleCall } from "./ingest/load.ts";
import { verifyRate } from "./ingest/verifyRate.ts";
import { startWorld, type World } from "./ingest/world.ts";
import { Writer } from "./ingest/writers.ts";
import type { Bench, BenchReport } from "./report.ts";

export interface IngestOptions {
  /** Size of the log at which cost and memory are measured again. */
  readonly entries: number;
  /** Entries of a measured window; the rate of batches is taken over four, so that its ends weigh little. */
  readonly window: number;
  /** Growing stops after this, at the size that was reached. */
  readonly minutes: number;
  readonly onProgress?: (text: string) => void;
}

const batchSize = 256;
/** Batches under way at once. */
const batchLanes = 8;
const connections = 64;

/**
 * `npm run bench -- ingest [--entries 1000000] [--minutes 30]`: entries over real HTTP, every answer durable (fsync) and
 * proven. With `--against FOLDER` nothing but what an entry costs is measured, here and in another build.
 */
export const bench: Bench = (given) => {
  const { folder, rest: args } = takeAgainst(given);
  if (folder !== undefined) return compareIngest(folder);
  const option = (name: string, fallback: number) => {
    const at = args.indexOf(name);
    return at >= 0 ? Number(args[at + 1]) : fallback;
  };
  const [entries, minutes] = [option("--entries", 100_000), option("--minutes", 60)];
  return run({ entries, minutes, window: 10_240, onProgress: (text) => console.error(text) });
};

export async function run({
  entries,
  window,
  minutes,
  onProgress = () => undefined,
}: IngestOptions): Promise<BenchReport> {
  const world = await startWorld();
  try {
    const writers = await Writer.register(world, connections);
    const samples = writers.slice(0, 16).flatMap(({ publicKey }, i) => {
      return (writers[i] as Writer).sign(16).map((leaf) => ({ leaf, publicKey }));
    });
    // The samples are entries 0 to 15 of their writers: they go in first, and warm the relayer up.
    await drive(world.url, samplesAsLanes(samples.map(({ leaf }) => leaf)));
    await batches(world, writers, window);

    const verify = await verifyRate(samples, 3);
    const before = await world.relayerUse();
    const early = await batches(world, writers, window);
    const afterEarly = await world.relayerUse();
    const long = await batches(world, writers, 4 * window);
    const between = await world.relayerUse();
    const singles = await singleEntries(world, writers, window);
    const after = await world.relayerUse();
    onProgress(`batches: ${Math.round(rate(long))}/s; node:crypto alone: ${Math.round(verify.perSec)}/s`);
    let size = samples.length + 7 * window;
    const until = performance.now() + minutes * 60_000;
    let peakBytes = after.residentBytes;
    while (size + window <= entries && performance.now() < until) {
      await batches(world, writers, window);
      size += window;
      peakBytes = Math.max(peakBytes, (await world.relayerUse()).residentBytes);
      if (size % (window * 10) < window) onProgress(`${size} entries`);
    }
    const beforeLate = await world.relayerUse();
    const late = await batches(world, writers, window);
    const afterLate = await world.relayerUse();
    size += window;
    const cpuEarly = (afterEarly.cpuSec - before.cpuSec) / early.entries;
    const cpuLong = (between.cpuSec - afterEarly.cpuSec) / long.entries;
    const cpuLate = (afterLate.cpuSec - beforeLate.cpuSec) / late.entries;
    const cpuSingle = (after.cpuSec - between.cpuSec) / singles.entries;
    const rows = [
      {
        name: "batches of 256",
        value: rate(long),
        unit: "entries/s",
        target: 0.6 * verify.perSec,
        peer: { name: "node:crypto verify, all cores", value: verify.perSec, source: "run" as const },
      },
      {
        name: "batches of 256, CPU an entry",
        value: cpuLong * 1e6,
        unit: "µs",
        target: (verify.cpuSecEach * 1e6) / 0.6,
        peer: { name: "node:crypto verify", value: verify.cpuSecEach * 1e6, source: "run" as const },
      },
      {
        name: "batches of 256, cores that others took",
        value: othersShare(long, between.cpuSec - afterEarly.cpuSec),
        unit: "%",
      },
      { name: "batches of 256, CPU of the load", value: (long.cpuSec / long.entries) * 1e6, unit: "µs" },
      { name: "single entries, 64 connections", value: rate(singles), unit: "entries/s", target: 3_000 },
      { name: "single entries, CPU an entry", value: cpuSingle * 1e6, unit: "µs" },
      {
        name: "single entries, cores that others took",
        value: othersShare(singles, after.cpuSec - between.cpuSec),
        unit: "%",
      },
      { name: "single entries, CPU of the load", value: (singles.cpuSec / singles.entries) * 1e6, unit: "µs" },
      { name: "single entries, p50", value: percentile(singles.latenciesMs, 0.5), unit: "ms" },
      { name: "single entries, p99", value: percentile(singles.latenciesMs, 0.99), unit: "ms", target: 100 },
      { name: `CPU an entry at ${size}, against the start`, value: cpuLate / cpuEarly, unit: "×", target: 1.2 },
      againstRow("batches of 256, CPU an entry", undefined, 1.05),
      againstRow("single entries, CPU an entry", undefined, 1.05),
      { name: "memory before the load", value: before.residentBytes / 2 ** 20, unit: "MiB" },
      { name: `memory at ${size} entries`, value: afterLate.residentBytes / 2 ** 20, unit: "MiB", target: 300 },
      { name: "memory, most on the way", value: peakBytes / 2 ** 20, unit: "MiB" },
    ];
    const notes = [
      "The load comes from this machine too and takes its share of the cores, as its CPU an entry says.",
      "Cores that others took: by neither the relayer nor the load. Where that is much, rates and latencies are of a busy machine.",
      "CPU an entry is the relayer's alone, all threads; who else uses the machine changes it little, rates much.",
    ];
    return { rows, notes };
  } finally {
    await world.close();
  }
}

function samplesAsLanes(leaves: readonly string[]) {
  return Array.from({ length: 16 }, (_, i) => [batchCall(leaves.slice(i * 16, i * 16 + 16))]);
}

/** Signs a window's worth before the clock starts. */
function batches(world: World, writers: readonly Writer[], count: number): Promise<LoadResult> {
  const lanes = writers.slice(0, batchLanes).map((writer) => {
    const calls = Math.ceil(count / batchLanes / batchSize);
    return Array.from({ length: calls }, () => batchCall(writer.sign(batchSize)));
  });
  return drive(world.url, lanes);
}

function singleEntries(world: World, writers: readonly Writer[], count: number): Promise<LoadResult> {
  const lanes = writers.map((writer) => writer.sign(Math.ceil(count / writers.length)).map(singleCall));
  return drive(world.url, lanes);
}

/** Percent of the machine that neither the load nor the relayer used (the local chain is among the others). */
function othersShare({ machineSec, cpuSec, seconds }: LoadResult, relayerSec: number): number {
  return (100 * Math.max(0, machineSec - cpuSec - relayerSec)) / (seconds * availableParallelism());
}

function rate({ entries, seconds }: LoadResult): number {
  return entries / seconds;
}
