import { createHash, hash as hashOnce } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";

import type { Hex } from "../../protocol/encoding/hex.ts";

export interface FileDigest {
  readonly size: number;
  readonly sha256: Hex;
}

/** Up to this size a file is read in one go. A program is thousands of small files: the way to each is what costs. */
const smallBytes = 1 << 18;
/** Of small files. They are read without waiting in between, so that nobody else has it. */
const buffer = Buffer.alloc(smallBytes);

/** @returns null if there is no such file, or it cannot be read */
export async function digestFile(path: string): Promise<FileDigest | null> {
  const small = digestSmall(path);
  return small === "large" ? digestLarge(path) : small;
}

function digestSmall(path: string): FileDigest | null | "large" {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    // One byte less than there is room: a file that grows meanwhile is not taken for a small one.
    if (fstatSync(file).size >= smallBytes) return "large";
    let size = 0;
    for (let read = -1; read !== 0 && size < smallBytes; size += read) {
      read = readSync(file, buffer, size, smallBytes - size, size);
    }
    return size === smallBytes ? "large" : { size, sha256: `0x${hashOnce("sha256", buffer.subarray(0, size))}` };
  } catch {
    return null;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function digestLarge(path: string): Promise<FileDigest | null> {
  const file = await open(path, "r").catch(() => null);
  if (!file) return null;
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(1 << 20);
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, size);
      if (bytesRead === 0) break;
      hash.update(chunk.subarray(0, bytesRead));
      size += bytesRead;
    }
    return { size, sha256: `0x${hash.digest("hex")}` };
  } catch {
    return null;
  } finally {
    await file.close();
  }
}
