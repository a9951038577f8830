import { sha256 } from "@noble/hashes/sha2.js";

import { type Hex, isHex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { canonicalJsonBytes } from "../json/canonical.ts";

export const manifestFormat = "affiant-manifest/1";

/** Why a file is part of what runs. */
export const fileRoles = ["executable", "script", "dependency", "library", "configuration"] as const;
export type FileRole = (typeof fileRoles)[number];

export interface MeasuredFile {
  /** Relative to the root with `/` if it lies below it, else absolute. */
  readonly path: string;
  readonly role: FileRole;
  /** Bytes; null when the file is not there. */
  readonly size: number | null;
  /** SHA-256; null when the file is not there. */
  readonly sha256: Hex | null;
}

/** Machine code in a process that is not the code of the file it was mapped from. */
export interface AlteredCode {
  readonly path: string;
  /** Offset in the file, of the page in which the first difference lies; null when nothing could be compared. */
  readonly offset: number | null;
  readonly why: "bytes differ" | "file replaced" | "not readable";
}

/** What runs, as it was found. Its paths tell how a machine is set up, so it is kept as secret as the reference. */
export interface Manifest {
  readonly format: typeof manifestFormat;
  /** Such as `linux-x64`. */
  readonly platform: string;
  /** The command line of the process, paths below the root relative. */
  readonly command: readonly string[];
  /** Variables that make a loader or an interpreter run other code, with their values. */
  readonly environment: Readonly<Record<string, string>>;
  /** Sorted by path, no path twice. */
  readonly files: readonly MeasuredFile[];
  readonly memory: {
    /** False where the memory of another process cannot be looked at. */
    readonly compared: boolean;
    readonly altered: readonly AlteredCode[];
    /** Whether there is executable memory that no file stands behind, such as that of a just-in-time compiler. */
    readonly anonymousCode: boolean;
  };
}

/** m = SHA-256 over the RFC 8785 form of the manifest, 32 bytes. */
export function measurementOf(manifest: Manifest): Hex {
  return toHex(sha256(canonicalJsonBytes(manifest)));
}

/** @throws AffiantError ERR_INPUT_ATTESTATION */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_ATTESTATION", "the manifest is not JSON", { cause });
  }
  const manifest = value as Manifest | null;
  const sound =
    manifest?.format === manifestFormat &&
    Array.isArray(manifest.files) &&
    Array.isArray(manifest.command) &&
    Array.isArray(manifest.memory?.altered) &&
    typeof manifest.environment === "object" &&
    manifest.files.every(isMeasuredFile);
  if (!sound) throw new AffiantError("ERR_INPUT_ATTESTATION", `not a manifest of the form ${manifestFormat}`);
  return manifest;
}

function isMeasuredFile(value: unknown): boolean {
  const file = value as MeasuredFile | null;
  const known = typeof file?.path === "string" && fileRoles.includes(file.role);
  return (
    known && (file.sha256 === null ? file.size === null : isHex(file.sha256, 32) && Number.isSafeInteger(file.size))
  );
}
