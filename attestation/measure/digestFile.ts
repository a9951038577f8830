import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import { type Hex } from "../../protocol/encoding/hex.ts";

export interface FileDigest {
  readonly size: number;
  readonly sha256: Hex;
}

/** @returns null if there is no such file, or it cannot be read */
export async function digestFile(path: string): Promise<FileDigest | null> {
  const file = await open(path, "r").catch(() => null);
  if (!file) return null;
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(1 << 18);
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
