import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import {
  type CircuitFileRole,
  type CircuitManifest,
  circuitManifestFormat,
} from "../../../protocol/zk/circuitManifest.ts";
import { sha256, toolVersions } from "../buildCircuit.ts";
import { solidityVerifierOf, verifierContractName } from "../solidityVerifier.ts";
import { assertAbsent, readBytes } from "./files.ts";
import { type CeremonyTranscript, verifyCeremony, type VerifyOptions } from "./verifyCeremony.ts";

export interface ExportOptions extends VerifyOptions {
  readonly wasm: string;
  /** A new folder. */
  readonly into: string;
}

/**
 * Writes what a deployment needs of a ceremony: key, wasm, verifier contract, transcript, and a manifest that says
 * CEREMONY. Verifies everything first: nothing else can turn a key into one for production.
 * @throws AffiantError as `verifyCeremony`
 */
export async function exportCeremony(options: ExportOptions): Promise<CeremonyTranscript> {
  const { circuit, into, wasm, zkey, r1cs } = options;
  await assertAbsent(into);
  const { transcript, verificationKey } = await verifyCeremony(options);
  const zkeyBytes = await readBytes(zkey);
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const files: Readonly<Record<CircuitFileRole, Uint8Array>> = {
    r1cs: await readBytes(r1cs),
    wasm: await readBytes(wasm),
    zkey: zkeyBytes,
    vkey: encode(`${JSON.stringify(verificationKey, null, 1)}\n`),
    verifier: encode(await solidityVerifierOf(circuit, "CEREMONY", zkeyBytes)),
  };
  const sums = Object.entries(files).map(([role, bytes]) => [role, sha256(bytes)] as const);
  const entry = { keyKind: "CEREMONY", sha256: Object.fromEntries(sums) as Record<CircuitFileRole, string> } as const;
  const manifest: CircuitManifest = {
    format: circuitManifestFormat,
    tools: toolVersions(),
    circuits: { [circuit]: entry },
  };
  await mkdir(into, { recursive: true });
  await writeFile(join(into, `${circuit}.r1cs`), files.r1cs);
  await writeFile(join(into, `${circuit}.wasm`), files.wasm);
  await writeFile(join(into, `${circuit}.zkey`), files.zkey);
  await writeFile(join(into, `${circuit}.vkey.json`), files.vkey);
  await writeFile(join(into, `${verifierContractName(circuit)}.sol`), files.verifier);
  await writeFile(join(into, "transcript.json"), `${JSON.stringify(transcript, null, 2)}\n`);
  // Last: a folder without a manifest is one that a crash left half-written.
  await writeFile(join(into, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return transcript;
}
