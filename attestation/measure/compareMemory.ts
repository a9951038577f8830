import { type FileHandle, open } from "node:fs/promises";

import type { AlteredCode } from "../../protocol/attestation/manifest.ts";
import { type ExecutableMapping, executableMappings, isFile } from "./processMaps.ts";

const pageBytes = 4096;
const chunkBytes = 1 << 20;

/**
 * Compares the executable memory of a process with the files it was mapped from. Machine code of position-independent
 * executables and libraries is not relocated, so it must equal the file byte for byte; a breakpoint, a hook or a patch
 * does not. The kernel's vDSO is compared with the one of this process, which the same kernel gave.
 */
export async function alteredCode(
  pid: number,
  mappings: readonly ExecutableMapping[],
): Promise<readonly AlteredCode[]> {
  const memory = await open(`/proc/${pid}/mem`, "r");
  try {
    const altered: AlteredCode[] = [];
    for (const mapping of mappings) {
      const found = isFile(mapping)
        ? await compareWithFile(memory, mapping)
        : mapping.path === "[vdso]"
          ? await compareVdso(memory, mapping)
          : null;
      if (found) altered.push(found);
    }
    return altered;
  } finally {
    await memory.close();
  }
}

async function compareWithFile(memory: FileHandle, mapping: ExecutableMapping): Promise<AlteredCode | null> {
  const { path, replaced } = mapping;
  if (replaced) return { path, offset: null, why: "file replaced" };
  const file = await open(path, "r").catch(() => null);
  if (!file) return { path, offset: null, why: "not readable" };
  try {
    return await firstDifference(memory, mapping, file, mapping.offset);
  } finally {
    await file.close();
  }
}

async function compareVdso(memory: FileHandle, mapping: ExecutableMapping): Promise<AlteredCode | null> {
  const own = (await executableMappings(process.pid)).find(({ path }) => path === "[vdso]");
  // A process of another word size has another vDSO.
  if (!own || own.end - own.start !== mapping.end - mapping.start) return null;
  const ownMemory = await open(`/proc/${process.pid}/mem`, "r");
  try {
    return await firstDifference(memory, mapping, ownMemory, Number(own.start));
  } finally {
    await ownMemory.close();
  }
}

async function firstDifference(
  memory: FileHandle,
  mapping: ExecutableMapping,
  reference: FileHandle,
  referenceOffset: number,
): Promise<AlteredCode | null> {
  const length = Number(mapping.end - mapping.start);
  const [live, kept] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
  for (let at = 0; at < length; at += chunkBytes) {
    const size = Math.min(chunkBytes, length - at);
    try {
      await readAll(memory, live.subarray(0, size), mapping.start + BigInt(at));
    } catch {
      return { path: mapping.path, offset: null, why: "not readable" };
    }
    // Behind the end of the file a mapping is zero up to the end of its page.
    kept.fill(0, await readAll(reference, kept.subarray(0, size), BigInt(referenceOffset + at)), size);
    if (live.compare(kept, 0, size, 0, size) === 0) continue;
    let page = 0;
    while (live.compare(kept, page, page + pageBytes, page, page + pageBytes) === 0) page += pageBytes;
    return { path: mapping.path, offset: mapping.offset + at + page, why: "bytes differ" };
  }
  return null;
}

/** @returns how many bytes there were */
async function readAll(file: FileHandle, into: Buffer, position: bigint): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + BigInt(done));
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
