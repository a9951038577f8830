import { open, readFile, rename } from "node:fs/promises";
import { gunzipSync } from "node:zlib";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

/**
 * Keeps the chain's state on disk: what `anvil_dumpState` gives (gzip of JSON, as hex). anvil can write such a file by
 * itself, but over the old one: a crash in the middle would leave no chain at all. Here a new file takes the old one's
 * place only when it is whole and on the disk.
 */
export async function saveState(path: string, dump: Hex): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(Buffer.from(dump.slice(2), "hex"));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/**
 * @returns the JSON that `anvil --load-state` reads, or undefined if nothing was saved yet
 * @throws AffiantError ERR_INPUT_FILE if the file is damaged
 */
export async function loadState(path: string): Promise<Buffer | undefined> {
  let compressed: Buffer;
  try {
    compressed = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return gunzipSync(compressed);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path}, the state of the local chain, is damaged`, { cause });
  }
}
