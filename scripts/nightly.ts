/**
 * `npm run nightly [-- --only STEP] [--seed N] [--short]`: what takes too long for every change. Runs on after a failure and
 * ends with exit code 1 if there was one. docs/contract-security.md says what each step looks for.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { Command, Option } from "commander";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** The same on a small scale, to see that it runs. */
  readonly short: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly shortEnv?: Readonly<Record<string, string>>;
}

const npm = (...words: string[]): readonly string[] => ["npm", "run", "--silent", ...words];
const fuzz = ["hardhat", "test", "solidity", "--test-profile", "nightly"];
const slither = [process.execPath, join(import.meta.dirname, "contracts/slither.ts")];
const torture = (...words: string[]) => npm("torture", "--", ...words);

const stepsWith = (seed: string): readonly Step[] => [
  { name: "check", command: npm("check"), short: npm("check:imports") },
  {
    name: "fuzz",
    command: fuzz,
    short: fuzz,
    shortEnv: { AFFIANT_FUZZ_RUNS: "64", AFFIANT_INVARIANT_RUNS: "8", AFFIANT_INVARIANT_DEPTH: "16" },
  },
  { name: "slither", command: slither, short: slither },
  {
    name: "simulation",
    command: npm("simulate", "--", "attestation"),
    short: npm("simulate", "--", "attestation", "--rounds", "36", "--sizes", "20", "--replays", "9"),
  },
  {
    name: "mutation",
    command: npm("mutation", "--", "--sample", "100", "--seed", seed),
    short: npm("mutation", "--", "--sample", "2", "--seed", seed, "--least", "0"),
  },
  { name: "relayer", command: torture("relayer", "200", seed), short: torture("relayer", "2", seed) },
  { name: "log", command: torture("log", "40", seed), short: torture("log", "1", seed) },
  { name: "disk", command: torture("disk", "2000", seed), short: torture("disk", "20", seed) },
  {
    name: "bits",
    command: ["hardhat", "test", "mocha", "--no-compile", "test/auditor/bitFlip.test.ts"],
    short: ["hardhat", "test", "mocha", "--no-compile", "test/auditor/bitFlip.test.ts"],
    env: { AFFIANT_EVERY_BIT: "1" },
  },
  { name: "answers", command: torture("answers"), short: torture("answers", "211") },
  { name: "strangers", command: torture("strangers"), short: torture("strangers", "agent") },
  { name: "requests", command: torture("mutations", "10000", seed), short: torture("mutations", "200", seed) },
  { name: "gateway", command: torture("gateway"), short: torture("gateway", "20") },
  { name: "directory", command: torture("directory", "1000", seed), short: torture("directory", "20", seed) },
  { name: "cases", command: npm("check:cases"), short: npm("check:cases") },
  { name: "attestation", command: torture("attestation"), short: torture("attestation") },
  { name: "escrow", command: torture("escrow"), short: torture("escrow") },
  {
    name: "mastra",
    command: ["node", "scripts/frameworks/mastra.ts"],
    short: ["node", "scripts/frameworks/mastra.ts"],
  },
];

const options = new Command("npm run nightly --")
  .description("What takes too long for every change: fuzzing, mutants, kills, lies. Runs on after a failure.")
  .addOption(new Option("--only <steps...>", "these alone").choices(stepsWith("").map(({ name }) => name)))
  .option("--seed <n>", "of all that is drawn (default: another one each day)")
  .option("--short", "on a small scale, to see that all of it runs", false)
  .allowExcessArguments(false)
  .parse()
  .opts<{ only?: string[]; seed?: string; short: boolean }>();
// Another sample every night, and the same for all that is run in one.
const seed = options.seed ?? String(Math.floor(Date.now() / 86_400_000));

const outcomes: { step: string; minutes: number; result: string }[] = [];
for (const step of stepsWith(seed).filter(({ name }) => options.only?.includes(name) ?? true)) {
  console.log(`\n── ${step.name} (seed ${seed}) ──`);
  const began = Date.now();
  const exitCode = await run(step);
  const minutes = Math.round((Date.now() - began) / 6_000) / 10;
  outcomes.push({ step: step.name, minutes, result: exitCode === 0 ? "passed" : `failed (${exitCode})` });
}
console.table(outcomes);
if (outcomes.some(({ result }) => result !== "passed")) process.exitCode = 1;

async function run({ command, short, env: longEnv, shortEnv }: Step): Promise<number | string> {
  const [program = "", ...words] = options.short ? short : command;
  const env = { ...process.env, ...(options.short ? shortEnv : longEnv) };
  const child = spawn(program, words, { stdio: "inherit", env });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return code ?? signal ?? "?";
}
