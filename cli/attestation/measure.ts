import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";

import type { Command } from "commander";

import { command, type CommonFlags, run } from "../command.ts";
import { columns, type Outcome } from "../output.ts";
import { diffManifests } from "../../attestation/measure/diffManifests.ts";
import { measureCommand } from "../../attestation/measure/measureCommand.ts";
import { type Manifest, measurementOf, parseManifest } from "../../protocol/attestation/manifest.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";

interface Flags extends CommonFlags {
  readonly diff?: boolean;
  readonly root?: string;
  readonly include?: readonly string[];
  readonly out?: string;
  readonly files?: boolean;
  readonly settle: string;
}

export function measureCommandLine(): Command {
  return command(
    "measure",
    "Start a program, measure what runs (files, libraries, machine code in memory), and end it.",
    "local",
    [
      "affiant measure -- node agent.ts",
      "affiant measure --out reference.json --include config.yaml -- python3 agent.py",
      "affiant measure --diff reference.json now.json",
    ],
  )
    .argument("<command...>", "the program and its arguments, after --; with --diff two files")
    .option("--diff", "compare two manifests that --out wrote; exit code 1 if they differ")
    .option("--root <folder>", "write paths below it relative, so that copies measure the same (default: this folder)")
    .option("--include <path...>", "files or folders that count as configuration")
    .option("--out <file>", "write the manifest, in its canonical form")
    .option("--files", "list every file")
    .option("--settle <ms>", "for how long the program must have loaded nothing more", "600")
    .action(
      run<Flags, [string[]]>(async (_session, flags, words) => {
        if (flags.diff) return diff(words);
        return measure(words, flags);
      }),
    );
}

async function measure([program, ...args]: readonly string[], flags: Flags): Promise<Outcome> {
  if (program === undefined) throw new AffiantError("ERR_INPUT_CONFIG", "give a program to measure, after --");
  const settleMs = Number(flags.settle);
  if (!Number.isInteger(settleMs) || settleMs < 3) {
    throw new AffiantError("ERR_INPUT_CONFIG", `--settle is a number of milliseconds, not "${flags.settle}"`);
  }
  const root = resolve(flags.root ?? ".");
  const manifest = await measureCommand({
    command: [program, ...args],
    root,
    include: (flags.include ?? []).map((path) => resolve(path)),
    settleMs,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (flags.out !== undefined) await writeFile(flags.out, toCanonicalJson(manifest));
  return show(manifest, flags.files ?? false);
}

function show(manifest: Manifest, files: boolean): Outcome {
  const count = (role: string): number => manifest.files.filter((file) => file.role === role).length;
  const { altered, anonymousCode } = manifest.memory;
  const bytes = manifest.files.reduce((sum, { size }) => sum + (size ?? 0), 0);
  return {
    data: { measurement: measurementOf(manifest), manifest },
    ok: altered.length === 0,
    lines: [
      ...columns([
        ["measurement", measurementOf(manifest)],
        ["command", manifest.command.join(" ")],
        ["files", `${manifest.files.length} (${bytes} bytes)`],
        ["scripts", count("script")],
        ["dependencies", count("dependency")],
        ["libraries", count("library")],
        ["configuration", count("configuration")],
        ["memory", altered.length === 0 ? "machine code is that of its files" : "altered"],
        [
          "limits",
          anonymousCode ? "runs code that stands in no file (just-in-time compiler): not measured" : undefined,
        ],
      ]),
      ...altered.map(({ path, why, offset }) => `  ${path}: ${why}${offset === null ? "" : ` at ${offset}`}`),
      ...(files
        ? manifest.files.map(({ path, role, sha256 }) => `  ${role.padEnd(13)} ${sha256 ?? "missing"} ${path}`)
        : []),
    ],
  };
}

async function diff(words: readonly string[]): Promise<Outcome> {
  const [before, after] = words;
  if (before === undefined || after === undefined || words.length !== 2) {
    throw new AffiantError("ERR_INPUT_CONFIG", "--diff takes two manifests");
  }
  const differences = diffManifests(await read(before), await read(after));
  return {
    data: differences,
    ok: differences.length === 0,
    lines:
      differences.length === 0
        ? ["they measure the same"]
        : differences.flatMap(({ sign, what, before, after }) => [
            `${sign} ${what}`,
            ...(before === undefined ? [] : [`    before: ${before}`]),
            ...(after === undefined ? [] : [`    after:  ${after}`]),
          ]),
  };
}

async function read(path: string): Promise<Manifest> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read`, { cause });
  });
  return parseManifest(text);
}
