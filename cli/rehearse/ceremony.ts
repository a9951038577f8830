import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { powersOfTau } from "snarkjs";

import { withWorkers } from "../../circuits/curve.ts";
import { defaultArtifactsDir } from "../../orchestrator/deploy/artifacts.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { exportCeremony } from "../../circuits/setup/ceremony/exportCeremony.ts";
import { hashFile } from "../../circuits/setup/ceremony/files.ts";
import { applyBeacon, contribute, initCeremony } from "../../circuits/setup/ceremony/steps.ts";
import { compileCircuit } from "../../circuits/setup/compile.ts";
import { devPower } from "../../circuits/setup/devKey.ts";

const circuit = "key-ownership";
const verifier = "KeyOwnershipVerifier";

export interface RehearsedCeremony {
  /** What `--keys` takes. */
  readonly keysDir: string;
  /** Compiled contracts with the ceremony's verifier instead of the development one: what `--artifacts` takes. */
  readonly artifactsDir: string;
}

/**
 * A ceremony as production has it: two contributors, a beacon, the check of everything, the export. What is rehearsed and
 * not real: phase 1 is made here (`affiant ceremony` takes published files alone), and one machine plays everybody, so that
 * this key is as safe as that machine.
 */
export async function rehearseCeremony(folder: string): Promise<RehearsedCeremony> {
  const at = (name: string): string => join(folder, name);
  const made = { keysDir: at("keys"), artifactsDir: at("artifacts") };
  // The artifacts are written last.
  if (existsSync(join(made.artifactsDir, "whole"))) return made;
  await mkdir(folder, { recursive: true });
  const { r1cs, wasm } = await compileCircuit(`circuits/${circuit}.circom`, folder);
  const phase1 = at("phase1.ptau");
  await withWorkers(async (curve) => {
    await powersOfTau.newAccumulator(curve, devPower, at("fresh.ptau"));
    await powersOfTau.beacon(at("fresh.ptau"), at("beaconed.ptau"), "rehearsal", "7e".repeat(32), 10);
    await powersOfTau.preparePhase2(at("beaconed.ptau"), phase1);
  });
  const known = { power: devPower, fileName: "phase1.ptau" };
  const knownPhase1 = new Map([[await hashFile(phase1, "blake2b512"), known]]);
  await initCeremony({ r1cs, phase1, knownPhase1, to: at("0.zkey") });
  await contribute({ from: at("0.zkey"), to: at("1.zkey"), name: "first" });
  await contribute({ from: at("1.zkey"), to: at("2.zkey"), name: "second" });
  await applyBeacon({ from: at("2.zkey"), to: at("3.zkey"), beacon: "be".repeat(32), iterationsExponent: 10 });
  await exportCeremony({ circuit, r1cs, wasm, phase1, knownPhase1, zkey: at("3.zkey"), into: made.keysDir });
  await withVerifier(made.keysDir, made.artifactsDir);
  await writeFile(join(made.artifactsDir, "whole"), "");
  return made;
}

/** The checkout's artifacts with another verifier, compiled as Hardhat would: by the same compiler, with its settings. */
async function withVerifier(keysDir: string, into: string): Promise<void> {
  await cp(defaultArtifactsDir, into, { recursive: true });
  const source = `contracts/generated/${verifier}.sol`;
  const path = join(into, source, `${verifier}.json`);
  const artifact = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  const settings = {
    evmVersion: "cancun",
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  };
  const sources = { [source]: { content: await readFile(join(keysDir, `${verifier}.sol`), "utf8") } };
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }))) as {
    contracts?: Record<string, Record<string, { evm: Record<"bytecode" | "deployedBytecode", { object: string }> }>>;
    errors?: unknown;
  };
  const compiled = output.contracts?.[source]?.[verifier]?.evm;
  if (!compiled) {
    throw new AffiantError("ERR_INTERNAL_UNEXPECTED", `the ceremony's verifier: ${JSON.stringify(output.errors)}`);
  }
  const { bytecode, deployedBytecode } = compiled;
  const changed = {
    ...artifact,
    bytecode: `0x${bytecode.object}`,
    deployedBytecode: `0x${deployedBytecode.object}`,
    buildInfoId: undefined,
  };
  await writeFile(path, JSON.stringify(changed, null, 2));
}
