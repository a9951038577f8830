import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BenchRow } from "../report.ts";

/** Milliseconds of each of `count` runs, one after the other. */
export async function timesOf(count: number, work: (index: number) => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const began = performance.now();
    await work(index);
    times.push(performance.now() - began);
  }
  return times;
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** p50 and p99 of a road beside those of the bare call. */
export function rowsOf(road: string, times: readonly number[], bare: readonly number[]): readonly BenchRow[] {
  return [0.5, 0.99].map((share) => ({
    name: `${road}, p${share * 100}`,
    value: quantile(times, share),
    unit: "ms",
    peer: { name: "the bare call", value: quantile(bare, share), source: "run" as const },
  }));
}

/** A folder for the time of some work. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "affiant-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
