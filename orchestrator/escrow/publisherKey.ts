import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import { readSecretFile, writeSecretFile } from "../../agent/keys/secretFile.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * The publisher's private X25519 key, made the first time. Who loses it makes another: `setPublisherKey` names it on
 * chain, and epochs from then on are sealed with it.
 * @throws AffiantError ERR_AUTH_FILE_MODE, ERR_INPUT_FILE
 */
export async function openPublisherKey(path: string): Promise<Uint8Array> {
  try {
    return fromHex((await readSecretFile(path)).trim(), 32);
  } catch (error) {
    if (isAffiantError(error, "ERR_INPUT_ENCODING")) {
      // Its message and cause may quote the file.
      throw new AffiantError("ERR_INPUT_FILE", `${path} does not hold a key of 32 bytes`);
    }
    const missing = isAffiantError(error) && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
    if (!missing) throw error;
  }
  const key = new Uint8Array(randomBytes(32));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeSecretFile(path, `${toHex(key)}\n`);
  return key;
}
