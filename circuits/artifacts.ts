import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

// Not `import { type … }`: that would leave an import behind, and every relayer would load all of snarkjs.
import type { SnarkjsVerificationKey } from "snarkjs";

import { AffiantError } from "../protocol/errors/affiantError.ts";
import { type CircuitFileRole, type CircuitManifest, parseCircuitManifest } from "../protocol/zk/circuitManifest.ts";
import type { KeyKind } from "../protocol/zk/keyGate.ts";
import type { CircuitName } from "../protocol/zk/publicSignals.ts";

/** The committed development artifacts; a ceremony's export has the same files. */
// A bundle in CommonJS form has no folder of its own, and is to load nevertheless.
export const generatedFolder = join((import.meta.dirname as string | undefined) ?? ".", "generated");

export interface ProvingArtifacts {
  readonly wasm: Uint8Array;
  readonly zkey: Uint8Array;
}

export interface VerifyingArtifacts {
  readonly verificationKey: SnarkjsVerificationKey;
  readonly keyKind: KeyKind;
}

/**
 * Reads what proving needs. Nothing is ever downloaded: an exchanged wasm could leak the private key, and an exchanged
 * zkey could make proofs that say something else.
 * @throws AffiantError ERR_INPUT_ARTIFACT if a file is missing or its hash is not the manifest's
 */
export async function readProvingArtifacts(circuit: CircuitName, folder = generatedFolder): Promise<ProvingArtifacts> {
  const manifest = await readManifest(folder);
  const [wasm, zkey] = await Promise.all([
    readChecked(folder, manifest, circuit, "wasm"),
    readChecked(folder, manifest, circuit, "zkey"),
  ]);
  return { wasm, zkey };
}

/** @throws AffiantError ERR_INPUT_ARTIFACT if a file is missing or its hash is not the manifest's */
export async function readVerifyingArtifacts(
  circuit: CircuitName,
  folder = generatedFolder,
): Promise<VerifyingArtifacts> {
  const manifest = await readManifest(folder);
  const bytes = await readChecked(folder, manifest, circuit, "vkey");
  const verificationKey = JSON.parse(new TextDecoder().decode(bytes)) as SnarkjsVerificationKey;
  return { verificationKey, keyKind: entryOf(manifest, circuit).keyKind };
}

/** @throws AffiantError ERR_INPUT_ARTIFACT */
export async function readManifest(folder = generatedFolder): Promise<CircuitManifest> {
  const bytes = await readArtifact(join(folder, "manifest.json"));
  try {
    return parseCircuitManifest(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    throw new AffiantError("ERR_INPUT_ARTIFACT", `the manifest in ${folder} is not JSON`, { cause });
  }
}

const fileNames: Readonly<Record<"wasm" | "zkey" | "vkey", string>> = {
  wasm: ".wasm",
  zkey: ".zkey",
  vkey: ".vkey.json",
};

async function readChecked(
  folder: string,
  manifest: CircuitManifest,
  circuit: CircuitName,
  role: CircuitFileRole & keyof typeof fileNames,
): Promise<Uint8Array> {
  const path = join(folder, `${circuit}${fileNames[role]}`);
  const bytes = await readArtifact(path);
  const expected = entryOf(manifest, circuit).sha256[role];
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== expected) {
    throw new AffiantError("ERR_INPUT_ARTIFACT", `${path} is not the file that the manifest names`, {
      details: { expected, found },
      hint: "Restore it from the repository or from the ceremony's export",
    });
  }
  return bytes;
}

function entryOf(manifest: CircuitManifest, circuit: CircuitName): CircuitManifest["circuits"][string] {
  const entry = manifest.circuits[circuit];
  if (!entry) throw new AffiantError("ERR_INPUT_ARTIFACT", `the manifest has no circuit ${circuit}`);
  return entry;
}

async function readArtifact(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_ARTIFACT", `${path} cannot be read`, { cause });
  }
}
