import { existsSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";

import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { makePrivate } from "../../host/files/privateFile.ts";

/** One of the server's keys. The newest signs; older ones stay published until nothing they signed is good any more. */
interface StoredKey {
  readonly jwk: JWK;
  /** Unix seconds at which it stopped signing; absent for the one that does. */
  readonly retiredAtSec?: number;
}

/** Longer than any token lives, and than resource servers keep keys. */
const overlapSec = 3_600;

/**
 * The keys of the server, newest first; makes one where there is none. Without `alg`: under RFC 9864 the same key is Ed25519, under
 * RFC 8037 EdDSA.
 * @param path of the file, readable for its owner alone
 * @throws AffiantError ERR_INPUT_FILE
 */
export async function openSigningKeys(path: string, nowSec: number): Promise<readonly JWK[]> {
  const stored = existsSync(path) ? read(path) : [];
  const kept = stored.filter(({ retiredAtSec }) => retiredAtSec === undefined || nowSec < retiredAtSec + overlapSec);
  if (kept.some(({ retiredAtSec }) => retiredAtSec === undefined)) {
    if (kept.length !== stored.length) await write(path, kept);
    return kept.map(({ jwk }) => jwk);
  }
  const made = [{ jwk: await newKey() }, ...kept];
  await write(path, made);
  return made.map(({ jwk }) => jwk);
}

/** Makes a new key that signs from the next start on; those before stay published for an hour. @returns its `kid` */
export async function rotateSigningKeys(path: string, nowSec: number): Promise<string> {
  const stored = existsSync(path) ? read(path) : [];
  const retired = stored.map((key) => ({ ...key, retiredAtSec: key.retiredAtSec ?? nowSec }));
  const jwk = await newKey();
  await write(path, [{ jwk }, ...retired]);
  return jwk.kid as string;
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("Ed25519", { extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  const jwk = { kty, crv, x, d } as JWK;
  return { ...jwk, use: "sig", kid: await calculateJwkThumbprint(jwk) };
}

function read(path: string): readonly StoredKey[] {
  try {
    const { format, keys } = JSON.parse(readFileSync(path, "utf8")) as { format: string; keys: StoredKey[] };
    if (format === "affiant-access-keys/1" && keys.every(({ jwk }) => jwk.crv === "Ed25519" && jwk.kid)) return keys;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} holds no keys of an authorization server`, { cause });
  }
  throw new AffiantError("ERR_INPUT_FILE", `${path} holds no keys of an authorization server`);
}

/** Whole or not at all: the new file takes the old one's place. */
async function write(path: string, keys: readonly StoredKey[]): Promise<void> {
  const draft = `${path}.new`;
  makePrivate(draft);
  const file = await open(draft, "w");
  try {
    await file.writeFile(`${JSON.stringify({ format: "affiant-access-keys/1", keys }, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
