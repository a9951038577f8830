import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { type Command, Option } from "commander";
import type { Logger } from "snarkjs";

import { escapeControls } from "../protocol/text/escapeControls.ts";
import { barOnTerminal } from "./progress.ts";
import { isTerminal } from "../host/terminal/print.ts";
import { command, type CommonFlags, group, run } from "./command.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { type CircuitName, publicSignalTable } from "../protocol/zk/publicSignals.ts";
import type { CeremonyTranscript } from "../circuits/setup/ceremony/verifyCeremony.ts";
import { type CompiledCircuit, compileCircuit, root } from "../circuits/setup/compile.ts";

// The steps bring snarkjs along, which takes longer to load than most commands to run: only those that need it load it.
const loadSteps = () => import("../circuits/setup/ceremony/steps.ts");

interface Flags extends CommonFlags {
  readonly circuit: CircuitName;
  readonly phase1: string;
  readonly name: string;
  readonly beacon: string;
  readonly iterations: string;
}

/** `affiant ceremony …`: keys for production, made by several people who pass files on. */
export function ceremonyCommand(): Command {
  return group(
    "ceremony",
    "Make proving keys that nobody can forge with: several people, one beacon, one transcript.",
    [initCommand(), contributeCommand(), beaconCommand(), verifyCommand(), exportCommand()],
  );
}

function initCommand(): Command {
  const made = command("init", "Build the circuit and write its initial key, for the first contributor.", "local", [
    "affiant ceremony init 0.zkey --phase1 powersOfTau28_hez_final_11.ptau",
  ]).argument("<to>", "file to write");
  return withPhase1(made).action(
    run<Flags, [string]>(async ({ json }, { circuit, phase1 }, to) => {
      const { initCeremony } = await loadSteps();
      const hash = await withCircuit(circuit, ({ r1cs }) =>
        withProgress(json, (logger) => initCeremony({ r1cs, phase1, to, logger })),
      );
      return {
        data: { circuit, circuitHash: hash, file: to },
        lines: [`circuit hash ${hash}`, "", `Next: send ${to} to the first contributor.`],
      };
    }),
  );
}

function contributeCommand(): Command {
  return command("contribute", "Add your secret to a key you received, and pass the new file on.", "local", [
    'affiant ceremony contribute 0.zkey 1.zkey --name "Alice"',
  ])
    .argument("<from>", "the file you received")
    .argument("<to>", "the file to pass on")
    .requiredOption("--name <name>", "who you are; stands in the file")
    .action(
      run<Flags, [string, string]>(async ({ json }, { name }, from, to) => {
        const { contribute } = await loadSteps();
        const hash = await withProgress(json, (logger) => contribute({ from, to, name, logger }));
        return {
          data: { name, contributionHash: hash, file: to },
          lines: [`your contribution ${hash}`, "", "Publish this hash: in the transcript it shows that you took part."],
        };
      }),
    );
}

function beaconCommand(): Command {
  return command("beacon", "End the contributions with public randomness that nobody could know before.", "local", [
    "affiant ceremony beacon 3.zkey final.zkey --beacon 0x<hash of a block announced beforehand>",
  ])
    .argument("<from>", "the last contributor's file")
    .argument("<to>", "the finished key")
    .requiredOption("--beacon <hex>", "32 bytes or more")
    .option("--iterations <exponent>", "SHA-256 is applied 2^exponent times", "20")
    .action(
      run<Flags, [string, string]>(async ({ json }, { beacon, iterations }, from, to) => {
        const { applyBeacon } = await loadSteps();
        const iterationsExponent = Number(iterations);
        const hash = await withProgress(json, (logger) =>
          applyBeacon({ from, to, beacon, iterationsExponent, logger }),
        );
        return { data: { contributionHash: hash, file: to }, lines: [`the beacon's contribution ${hash}`] };
      }),
    );
}

function verifyCommand(): Command {
  const made = command("verify", "Check a finished key against the circuit's source and the phase-1 file.", "local", [
    "affiant ceremony verify final.zkey --phase1 powersOfTau28_hez_final_11.ptau",
  ]).argument("<key>", "the finished key");
  return withPhase1(made).action(
    run<Flags, [string]>(async ({ json }, { circuit, phase1 }, zkey) => {
      const { verifyCeremony } = await import("../circuits/setup/ceremony/verifyCeremony.ts");
      const { transcript } = await withCircuit(circuit, ({ r1cs }) =>
        withProgress(json, (logger) => verifyCeremony({ circuit, r1cs, phase1, zkey, logger })),
      );
      return { data: { ...transcript }, lines: describe(transcript) };
    }),
  );
}

function exportCommand(): Command {
  const made = command("export", "Verify a finished key and write what a deployment needs of it.", "local", [
    "affiant ceremony export final.zkey keys/ --phase1 powersOfTau28_hez_final_11.ptau",
  ])
    .argument("<key>", "the finished key")
    .argument("<folder>", "a new folder");
  return withPhase1(made).action(
    run<Flags, [string, string]>(async ({ json }, { circuit, phase1 }, zkey, into) => {
      const { exportCeremony } = await import("../circuits/setup/ceremony/exportCeremony.ts");
      const transcript = await withCircuit(circuit, ({ r1cs, wasm }) =>
        withProgress(json, (logger) => exportCeremony({ circuit, r1cs, wasm, phase1, zkey, into, logger })),
      );
      const next = `Next: put its verifier into contracts/generated/ and deploy with the keys of ${into}.`;
      return { data: { ...transcript, folder: into }, lines: [...describe(transcript), "", next] };
    }),
  );
}

function withPhase1(made: Command): Command {
  const circuits = Object.keys(publicSignalTable);
  return made
    .requiredOption("--phase1 <file>", "a published powers-of-tau file; it is checked against its published hash")
    .addOption(new Option("--circuit <name>", "which circuit").choices(circuits).default("key-ownership"));
}

/** Builds the circuit from source: nobody's r1cs is taken on trust. */
async function withCircuit<Result>(circuit: CircuitName, use: (built: CompiledCircuit) => Promise<Result>) {
  const parent = join(root, "circuits/build");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "ceremony-"));
  try {
    return await use(await compileCircuit(`circuits/${circuit}.circom`, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A bar on stderr for what takes minutes: snarkjs says "step: done/total" as it goes. */
async function withProgress<Result>(json: boolean, work: (logger: Logger) => Promise<Result>): Promise<Result> {
  const silent = json || !isTerminal("stderr");
  const bar = barOnTerminal("{bar} {percentage}% | {step}");
  if (!silent) bar.start(1, 0, { step: "reading" });
  const errors: string[] = [];
  const debug = (text: string): void => {
    const [, step, done, total] = /^(.*?):?\s*(\d+)\/(\d+)/.exec(text) ?? [];
    if (silent || step === undefined || Number(total) === 0) return;
    bar.setTotal(Number(total));
    bar.update(Number(done), { step: escapeControls(step) });
  };
  const ignore = (): void => undefined;
  try {
    return await work({ debug, info: ignore, warn: ignore, error: (text) => void errors.push(text) });
  } catch (error) {
    if (error instanceof AffiantError || errors.length === 0) throw error;
    throw new AffiantError("ERR_INPUT_CEREMONY", errors.join("; "), { cause: error });
  } finally {
    if (!silent) bar.stop();
  }
}

function describe({ circuitHash, phase1, contributions }: CeremonyTranscript): string[] {
  return [
    `circuit hash ${circuitHash}`,
    `phase 1 ${phase1.fileName}`,
    ...contributions.map(
      ({ name, hash, beacon }, i) => `${i + 1}. ${beacon ? `beacon ${beacon.value}` : name}  ${hash}`,
    ),
  ];
}
