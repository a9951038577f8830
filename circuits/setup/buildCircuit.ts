import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { r1cs as r1csTools } from "snarkjs";

import { withSingleThread } from "../curve.ts";
import {
  type CircuitFileRole,
  type CircuitManifest,
  circuitManifestFormat,
} from "../../protocol/zk/circuitManifest.ts";
import type { CircuitName } from "../../protocol/zk/publicSignals.ts";
import { compileCircuit, root } from "./compile.ts";
import { devProvingKey } from "./devKey.ts";
import { solidityVerifierOf } from "./solidityVerifier.ts";

/** What `snapshots/circuits.json` keeps of a circuit, so that a change of cost shows in review. */
export interface CircuitSize {
  readonly constraints: number;
  readonly wires: number;
  readonly publicInputs: number;
  readonly privateInputs: number;
  readonly outputs: number;
}

export interface BuiltCircuit {
  readonly size: CircuitSize;
  readonly files: Readonly<Record<CircuitFileRole, Uint8Array>>;
}

/** Compiles a circuit and makes its development key, in a folder of its own that is gone afterwards. */
export async function buildCircuit(circuit: CircuitName): Promise<BuiltCircuit> {
  const parent = join(root, "circuits/build");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, `${circuit}-`));
  try {
    const compiled = await compileCircuit(`circuits/${circuit}.circom`, folder);
    const r1cs = new Uint8Array(await readFile(compiled.r1cs));
    const wasm = new Uint8Array(await readFile(compiled.wasm));
    const { zkey, vkey } = await devProvingKey(r1cs);
    const verifier = await solidityVerifierOf(circuit, "DEV_INSECURE", zkey);
    const files = { r1cs, wasm, zkey, vkey: utf8(`${JSON.stringify(vkey, null, 1)}\n`), verifier: utf8(verifier) };
    return { size: await sizeOf(r1cs), files };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function sizeOf(r1cs: Uint8Array): Promise<CircuitSize> {
  const header = await withSingleThread(() => r1csTools.info(r1cs));
  return {
    constraints: header.nConstraints,
    wires: header.nVars,
    publicInputs: header.nPubInputs,
    privateInputs: header.nPrvInputs,
    outputs: header.nOutputs,
  };
}

export function manifestOf(circuits: Readonly<Record<string, BuiltCircuit>>): CircuitManifest {
  const entries = Object.entries(circuits).map(([name, { files }]) => {
    const sums = Object.entries(files).map(([role, bytes]) => [role, sha256(bytes)]);
    return [name, { keyKind: "DEV_INSECURE", sha256: Object.fromEntries(sums) as Record<CircuitFileRole, string> }];
  });
  return { format: circuitManifestFormat, tools: toolVersions(), circuits: Object.fromEntries(entries) as never };
}

/** The versions installed here, exact. */
export function toolVersions(): CircuitManifest["tools"] {
  const text = readFileSync(join(root, "package.json"), "utf8");
  const manifest = JSON.parse(text) as { dependencies: Record<string, string> };
  const version = (name: string): string => manifest.dependencies[name] ?? "unknown";
  return { circom2: version("circom2"), circomlib: version("circomlib"), snarkjs: version("snarkjs") };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function utf8(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
