import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { type PublishedPhase1, publishedPhase1 } from "./publishedPhase1.ts";

/** Hash of a file, read piece by piece: phase-1 files have gigabytes. Lower-case hex. */
export async function hashFile(path: string, algorithm: "blake2b512" | "sha256"): Promise<string> {
  const hash = createHash(algorithm);
  try {
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read`, { cause });
  }
  return hash.digest("hex");
}

/**
 * Checks that a phase-1 file is one of those that were published. One that is not may have been made by anybody, who then
 * can forge every proof.
 * @param known the published files by BLAKE2b-512
 * @throws AffiantError ERR_INPUT_CEREMONY if it is none of them, ERR_INPUT_FILE
 */
export async function identifyPhase1(
  path: string,
  known: ReadonlyMap<string, PublishedPhase1> = publishedPhase1,
): Promise<PublishedPhase1 & { readonly blake2b: string }> {
  const blake2b = await hashFile(path, "blake2b512");
  const published = known.get(blake2b);
  if (!published) {
    throw new AffiantError("ERR_INPUT_CEREMONY", `${path} is no published phase-1 file`, {
      details: { blake2b },
      hint: "Take powersOfTau28_hez_final_11.ptau or larger from where iden3/snarkjs' README points.",
    });
  }
  return { ...published, blake2b };
}

/** Steps never write over a file: it may be somebody's only copy. @throws AffiantError ERR_INPUT_CEREMONY */
export async function assertAbsent(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (exists) throw new AffiantError("ERR_INPUT_CEREMONY", `${path} exists already`, { hint: "Give another name." });
}

export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read`, { cause });
  }
}
