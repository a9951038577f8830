import { rename, rm } from "node:fs/promises";

import { readSecretFile, writeSecretFile } from "../../agent/keys/secretFile.ts";
import { type EthrDid, parseEthrDid } from "../../protocol/did/ethr.ts";
import { type Hex, isHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** What the attestation service gives a wrapper when it wraps a version of an agent. Secret: it holds the agent's key. */
export interface Wrapping {
  readonly format: "affiant-wrapping/1";
  readonly agent: EthrDid;
  /** Counts from 1; a new version comes with a new key. */
  readonly version: number;
  /** k, 32 bytes. */
  readonly agentKey: Hex;
  /** X25519 key of the service, 32 bytes: tasks of anybody else do not open. */
  readonly servicePublicKey: Hex;
  /** Folder below which paths are written relative. */
  readonly root: string;
  readonly include: readonly string[];
  /** Libraries of the reference (`MeasureOptions`). */
  readonly libraries: readonly string[];
  /** Base URL of the service that the wrapper tells where it listens; absent: it was told by other means. */
  readonly service?: string;
  /** Of the ticket that was used: given the same one again, the wrapper need not enrol. */
  readonly ticketId?: Hex;
}

/** Replaces what is there in one step, so that a crash leaves the old version or the new one. */
export async function writeWrapping(path: string, wrapping: Wrapping): Promise<void> {
  const draft = `${path}.draft`;
  await rm(draft, { force: true });
  await writeSecretFile(draft, `${JSON.stringify(wrapping, null, 2)}\n`);
  await rename(draft, path);
}

/** @throws AffiantError ERR_INPUT_FILE, ERR_AUTH_FILE_MODE */
export async function readWrapping(path: string): Promise<Wrapping> {
  const text = await readSecretFile(path);
  try {
    const wrapping = JSON.parse(text) as Wrapping;
    parseEthrDid(wrapping.agent);
    const keys = isHex(wrapping.agentKey, 32) && isHex(wrapping.servicePublicKey, 32);
    const lists = Array.isArray(wrapping.include) && Array.isArray(wrapping.libraries);
    if (wrapping.format === "affiant-wrapping/1" && keys && lists && typeof wrapping.root === "string") return wrapping;
  } catch {
    // The text holds a key: the parser's error, which quotes it, is dropped.
  }
  throw new AffiantError("ERR_INPUT_FILE", `${path} is not a wrapping`);
}
