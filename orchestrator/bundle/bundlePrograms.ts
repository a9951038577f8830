import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";

import type { Metafile } from "esbuild";

import { external } from "./external.ts";
import { programs } from "./programs.ts";
import { sourcePlaces } from "./sourcePlaces.ts";

/** What `cache/programs/current.json` says of the bundles beside it. `fresh.js` reads it before any TypeScript is. */
export interface Bundles {
  /** Where the checkout lay, and which Node runs: the bundles name both. */
  readonly root: string;
  readonly node: string;
  /** Folder of this set, below `cache/programs`. */
  readonly folder: string;
  /** Program, relative to the root, to its bundle, relative to the folder. */
  readonly programs: Readonly<Record<string, string>>;
  /** Every file of ours that is in them, and the lock file for all that is not ours: size and time of change. */
  readonly inputs: Readonly<Record<string, string>>;
}

const dayMs = 86_400_000;

/**
 * Makes one JavaScript file of each of our programs, with what they share beside them: a program then reads a few files
 * where it read two thousand. Each set has a folder of its own, named by what is in it, so that programs that run keep
 * theirs.
 * @param root of the checkout
 * @throws Error of esbuild, or of a folder that cannot be written
 */
export async function bundlePrograms(root: string): Promise<Bundles> {
  const { build } = await import("esbuild");
  const cache = join(root, "cache/programs");
  const draft = join(cache, `draft-${process.pid}`);
  mkdirSync(draft, { recursive: true });
  const names = Object.fromEntries(programs.map((path) => [path, bundleName(path)]));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: programs.map((path) => ({ in: path, out: names[path]?.replace(/\.mjs$/, "") ?? path })),
    outdir: draft,
    outExtension: { ".js": ".mjs" },
    chunkNames: "part-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    keepNames: true,
    minifyWhitespace: true,
    legalComments: "none",
    external: [...external],
    inject: ["orchestrator/process/leash.ts"],
    banner: { js: requireFrom(root) },
    plugins: [sourcePlaces(root, names)],
    metafile: true,
    logLevel: "silent",
  });
  const bundles = { root, node: process.version, programs: names, inputs: stampsOf(root, ownInputs(metafile)) };
  const folder = createHash("sha256").update(JSON.stringify(bundles)).digest("hex").slice(0, 16);
  rmSync(join(cache, folder), { recursive: true, force: true });
  renameSync(draft, join(cache, folder));
  const current = { ...bundles, folder };
  writeFileSync(join(cache, `current-${process.pid}.json`), JSON.stringify(current));
  renameSync(join(cache, `current-${process.pid}.json`), join(cache, "current.json"));
  clearOld(cache, folder);
  return current;
}

/** What CommonJS packages ask for by `require` comes from the checkout's packages. */
export function requireFrom(root: string): string {
  const from = JSON.stringify(join(root, "package.json"));
  return `import { createRequire as makeRequire } from "node:module"; const require = makeRequire(${from});`;
}

/** All bundles lie in one folder, so that they find each other whichever part names them. */
function bundleName(path: string): string {
  return `${path.replace(/\.ts$/, "").replaceAll("/", "-")}.mjs`;
}

function ownInputs({ inputs }: Metafile): string[] {
  return ["package-lock.json", ...Object.keys(inputs).filter((path) => !path.includes("node_modules/"))];
}

function stampsOf(root: string, paths: readonly string[]): Record<string, string> {
  const stamps = paths.map((path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    return [path, `${size}:${Math.trunc(mtimeMs)}`];
  });
  return Object.fromEntries(stamps) as Record<string, string>;
}

/** Sets of before, once nobody can be running from them. */
function clearOld(cache: string, keep: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (name !== keep && stats?.isDirectory() && Date.now() - stats.mtimeMs > dayMs) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** The set that is there, whatever it was made of; `fresh.js` has looked before. Undefined: programs run as they are. */
export function bundlesIn(root: string): Bundles | undefined {
  try {
    return JSON.parse(readFileSync(join(root, "cache/programs/current.json"), "utf8")) as Bundles;
  } catch {
    return undefined;
  }
}
