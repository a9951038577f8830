import { readFile } from "node:fs/promises";

/** A line of `/proc/PID/maps` (proc_pid_maps(5)) of memory that may be executed. */
export interface ExecutableMapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly writable: boolean;
  /** Where in the file it begins. */
  readonly offset: number;
  /** Absolute; `[vdso]` and the like for what the kernel gives; empty for memory without a file. */
  readonly path: string;
  /** The file at that path is another one by now, or gone. */
  readonly replaced: boolean;
}

const line = /^([0-9a-f]+)-([0-9a-f]+) ([-r])([-w])([-x])[-ps] ([0-9a-f]+) [0-9a-f]+:[0-9a-f]+ (\d+) *(.*)$/;
const deleted = " (deleted)";

export async function executableMappings(pid: number): Promise<readonly ExecutableMapping[]> {
  return parseMaps(await readFile(`/proc/${pid}/maps`, "utf8"));
}

export function parseMaps(text: string): readonly ExecutableMapping[] {
  const mappings: ExecutableMapping[] = [];
  for (const row of text.split("\n")) {
    const match = line.exec(row);
    if (!match || match[5] !== "x") continue;
    const [, start, end, , write, , offset, , name = ""] = match;
    const replaced = name.endsWith(deleted);
    mappings.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      writable: write === "w",
      offset: parseInt(offset as string, 16),
      // The kernel writes a newline in a name as \012 and leaves everything else alone.
      path: (replaced ? name.slice(0, -deleted.length) : name).replaceAll("\\012", "\n"),
      replaced,
    });
  }
  return mappings;
}

/** Paths of the files that executable memory was mapped from, sorted. */
export function mappedFiles(mappings: readonly ExecutableMapping[]): readonly string[] {
  return [...new Set(mappings.filter(isFile).map(({ path }) => path))].sort();
}

export function isFile({ path }: ExecutableMapping): boolean {
  return path.startsWith("/") && !isAnonymous(path);
}

/** Memory that has a name and no file: shared anonymous memory and memfd_create(2). */
function isAnonymous(path: string): boolean {
  return path.startsWith("/memfd:") || path === "/dev/zero" || path.startsWith("/SYSV");
}

/** Code that stands in no file: what a just-in-time compiler makes, and what somebody may have injected. */
export function isAnonymousCode(mapping: ExecutableMapping): boolean {
  return !isFile(mapping) && !["[vdso]", "[vsyscall]", "[uprobes]"].includes(mapping.path);
}
