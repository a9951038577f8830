import { type FileHandle, open, readFile, stat } from "node:fs/promises";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * Writes a new file that only its owner may read, and has it on the disk before it returns: a key that an agent was
 * registered with must not be lost to a power cut.
 */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  await withFile(path, async (file) => {
    await file.writeFile(text);
    await file.sync();
  });
}

async function withFile(path: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

/**
 * Reads a file that nobody but its owner may read (as ssh does with its keys).
 * @throws AffiantError ERR_AUTH_FILE_MODE if others may read it, ERR_INPUT_FILE if it cannot be read
 */
export async function readSecretFile(path: string): Promise<string> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new AffiantError("ERR_INPUT_FILE", `the key file ${path} is missing or cannot be reached`, { cause });
  });
  // Windows has no such modes: there the folder's access list decides.
  if (process.platform !== "win32" && (info.mode & 0o077) !== 0) {
    throw new AffiantError("ERR_AUTH_FILE_MODE", `the key file ${path} can be read by others`, {
      hint: `chmod 600 '${path}', and consider the key known to whoever had access.`,
    });
  }
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new AffiantError("ERR_INPUT_FILE", `the key file ${path} cannot be read`, { cause });
  });
}

/** Makes the appearance of a name in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
