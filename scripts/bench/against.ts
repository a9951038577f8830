/**
 * `--against FOLDER`: another build of this project (a checkout with its packages), to measure the same thing there. A bench
 * that is held to a bar against another build runs both in pairs that alternate, so that what else the machine does
 * weighs on both alike, and takes the median of the pairs' ratios.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { BenchRow } from "./report.ts";

export interface AgainstArguments {
  /** Absolute; undefined without the flag: then nothing is compared. */
  readonly folder: string | undefined;
  /** The other arguments. */
  readonly rest: readonly string[];
}

/** @throws AffiantError ERR_INPUT_CONFIG if the folder is no build of this project */
export function takeAgainst(args: readonly string[]): AgainstArguments {
  const at = args.indexOf("--against");
  if (at < 0) return { folder: undefined, rest: args };
  const folder = resolve(args[at + 1] ?? "");
  if (args[at + 1] === undefined || nameOf(folder) !== "affiant") {
    throw new AffiantError("ERR_INPUT_CONFIG", "--against names a folder with another build of this project");
  }
  return { folder, rest: [...args.slice(0, at), ...args.slice(at + 2)] };
}

function nameOf(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: unknown }).name;
  } catch {
    return undefined;
  }
}

export interface Pairs {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  /** Ours by theirs, a pair each. */
  readonly ratios: readonly number[];
}

/** Measures in pairs; who goes first changes with each, so that a machine that grows warm or busy favours nobody. */
export async function alternate(
  count: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Pairs> {
  const pairs: { ours: number; theirs: number }[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 2 === 0) {
      const first = await ours();
      pairs.push({ ours: first, theirs: await theirs() });
    } else {
      const first = await theirs();
      pairs.push({ theirs: first, ours: await ours() });
    }
  }
  return {
    ours: pairs.map((pair) => pair.ours),
    theirs: pairs.map((pair) => pair.theirs),
    ratios: pairs.map((pair) => pair.ours / pair.theirs),
  };
}

/** The middle one; of an even number the mean of the two in the middle. @throws RangeError of none */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/**
 * The row of a comparison: the median ratio, held to its bar. Without pairs it says "not compared" and holds nothing:
 * a figure that was not measured is not shown as met.
 */
export function againstRow(name: string, pairs: Pairs | undefined, target: number): BenchRow {
  return pairs
    ? { name: `${name}, against the other build`, value: median(pairs.ratios), unit: "×", target }
    : { name: `${name}, against another build`, value: null, unit: "×" };
}
