import { AffiantError } from "../errors/affiantError.ts";
import type { KeyKind } from "./keyGate.ts";

export const circuitManifestFormat = "affiant-circuits/1";

/** SHA-256, lower-case hex without prefix, as `sha256sum` prints it. */
export type Sha256Text = string;

export const circuitFileRoles = ["r1cs", "wasm", "zkey", "vkey", "verifier"] as const;
export type CircuitFileRole = (typeof circuitFileRoles)[number];

export interface CircuitManifestEntry {
  readonly keyKind: KeyKind;
  readonly sha256: Readonly<Record<CircuitFileRole, Sha256Text>>;
}

/** What was built from which circuit, by which tools: `circuits/generated/manifest.json`, or a ceremony's export. */
export interface CircuitManifest {
  readonly format: typeof circuitManifestFormat;
  /** Exact versions; other versions give other bytes. */
  readonly tools: { readonly circom2: string; readonly circomlib: string; readonly snarkjs: string };
  readonly circuits: Readonly<Record<string, CircuitManifestEntry>>;
}

/** @throws AffiantError ERR_INPUT_ARTIFACT */
export function parseCircuitManifest(json: unknown): CircuitManifest {
  if (!isRecord(json) || json["format"] !== circuitManifestFormat) throw malformed(`not ${circuitManifestFormat}`);
  const { tools, circuits } = json;
  if (!isRecord(tools) || !isRecord(circuits)) throw malformed("tools or circuits are missing");
  for (const tool of ["circom2", "circomlib", "snarkjs"]) {
    if (typeof tools[tool] !== "string") throw malformed(`the version of ${tool} is missing`);
  }
  for (const [name, entry] of Object.entries(circuits)) assertEntry(name, entry);
  return json as unknown as CircuitManifest;
}

function assertEntry(name: string, entry: unknown): void {
  if (!isRecord(entry) || (entry["keyKind"] !== "DEV_INSECURE" && entry["keyKind"] !== "CEREMONY")) {
    throw malformed(`${name} does not say of what kind its key is`);
  }
  const sums = entry["sha256"];
  for (const role of circuitFileRoles) {
    const sum = isRecord(sums) ? sums[role] : undefined;
    if (typeof sum !== "string" || !/^[0-9a-f]{64}$/.test(sum))
      throw malformed(`${name} has no SHA-256 of its ${role}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(reason: string): AffiantError {
  return new AffiantError("ERR_INPUT_ARTIFACT", `the circuit manifest is malformed: ${reason}`);
}
