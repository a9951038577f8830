import { readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";

/** Tests are what is named `*.test.ts` or `*.t.sol`. The files beside them are worlds and processes that tests start. */
const isTest = (name: string) => name.endsWith(".test.ts") || name.endsWith(".t.sol");

/**
 * The test files that a command line names: files as they are, folders with all below them.
 * @returns absolute paths, or what is wrong with a name, in one line
 */
export function namedTestFiles(names: readonly string[], from: string): { files: string[] } | { fault: string } {
  const files: string[] = [];
  for (const name of names) {
    const path = resolve(from, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return { fault: `there is no ${name}` };
    const found = stats.isDirectory() ? testFilesBelow(path) : [path];
    if (found.length === 0) return { fault: `there is no test below ${name} (*.test.ts, *.t.sol)` };
    files.push(...found);
  }
  return { files: [...new Set(files)] };
}

export function testFilesBelow(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(isTest);
  return all.sort().map((file) => join(folder, file));
}

/** How much longer than a usual file those below a path take, about: whole systems are started there. */
const weights: readonly (readonly [below: string, weight: number])[] = [
  ["e2e/start", 60],
  ["e2e/", 30],
  ["orchestrator/conductor/", 30],
  ["orchestrator/", 5],
  ["relayer/torture", 20],
  ["relayer/", 4],
  ["attestation/", 6],
  ["cli/", 5],
  ["circuits/", 15],
  ["examples/", 8],
  ["contracts/", 4],
];

/** Shares files out, the heaviest first, each to the share that has least. Every file is in one share, none is empty. */
export function sharesOf(files: readonly string[], root: string, count: number): readonly (readonly string[])[] {
  const weigh = (file: string) => weights.find(([below]) => relative(root, file).startsWith(below))?.[1] ?? 1;
  const shares = Array.from({ length: Math.min(count, files.length) }, () => ({ weight: 0, files: [] as string[] }));
  for (const file of [...files].sort((a, b) => weigh(b) - weigh(a))) {
    const lightest = shares.reduce((least, share) => (share.weight < least.weight ? share : least));
    lightest.files.push(file);
    lightest.weight += weigh(file);
  }
  return shares.sort((a, b) => b.weight - a.weight).map(({ files }) => files.sort());
}
