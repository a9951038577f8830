import { stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import {
  type FileRole,
  fileRoles,
  type Manifest,
  manifestFormat,
  type MeasuredFile,
} from "../../protocol/attestation/manifest.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { commandOf, type LiveCommand } from "./commandOf.ts";
import { alteredCode } from "./compareMemory.ts";
import { digestFile } from "./digestFile.ts";
import { filesBelow, nodeTree } from "./nodeTree.ts";
import { executableMappings, isAnonymousCode, mappedFiles } from "./processMaps.ts";
import { pythonTree } from "./pythonTree.ts";

export interface MeasureOptions {
  /** Paths below it are written relative, so that a copy elsewhere measures the same. */
  readonly root: string;
  /** Files and folders that count as configuration. Absolute, or relative to the root. */
  readonly include?: readonly string[];
  /**
   * Libraries of the reference, as its manifest names them. They are measured whether they are loaded or not, since a
   * program may load them late; a library that is loaded and not among them changes the measurement.
   */
  readonly libraries?: readonly string[];
}

/**
 * Measures a running process: the files it is made of, as they are on disk now, and its machine code in memory.
 * @throws AffiantError ERR_INPUT_MEASURE
 */
export async function measureProcess(pid: number, options: MeasureOptions): Promise<Manifest> {
  if (process.platform !== "linux") {
    throw new AffiantError("ERR_INPUT_MEASURE", "a running process can be measured on Linux only");
  }
  const root = resolve(options.root);
  const name = (path: string) => nameBelow(root, path);
  const command = await commandOf(pid);
  const mappings = await mappingsOf(pid);
  const libraries = [...mappedFiles(mappings), ...(options.libraries ?? []).map((path) => resolve(root, path))];
  const roles = await filesOf(command, libraries, await expand(root, options.include ?? []));
  const files: MeasuredFile[] = [];
  for (const [path, role] of roles) {
    const digest = await digestFile(path);
    files.push({ path: name(path), role, size: digest?.size ?? null, sha256: digest?.sha256 ?? null });
  }
  const altered = await alteredCode(pid, mappings).catch((cause: unknown) => throwGone(pid, cause));
  const { script, args } = command;
  return {
    format: manifestFormat,
    platform: `${process.platform}-${process.arch}`,
    command: [
      name(command.executable),
      ...args.map((arg, i) => (i === script?.index ? name(script.path) : nameArg(root, arg))),
    ],
    environment: command.environment,
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    memory: {
      compared: true,
      altered: altered.map((code) => ({ ...code, path: name(code.path) })),
      anonymousCode: mappings.some(isAnonymousCode),
    },
  };
}

/**
 * Waits until a process that was just started maps no further code: a launcher has handed over, libraries are loaded.
 * @throws AffiantError ERR_INPUT_MEASURE if it ends meanwhile
 */
export async function settled(pid: number, quietMs: number, signal?: AbortSignal): Promise<void> {
  let before = "";
  for (let quiet = 0; quiet < 3;) {
    const now = [(await commandOf(pid)).executable, ...mappedFiles(await mappingsOf(pid))].join("\n");
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    await sleep(quietMs / 3, undefined, { signal });
  }
}

/** Each file once, under the first of the roles it has. */
async function filesOf(
  command: LiveCommand,
  libraries: readonly string[],
  configuration: readonly string[],
): Promise<ReadonlyMap<string, FileRole>> {
  const byRole: Record<FileRole, Iterable<string>> = {
    executable: [command.executable],
    script: command.script ? [command.script.path] : [],
    dependency: [],
    library: libraries,
    configuration,
  };
  if (command.language === "node") {
    const tree = await nodeTree([...byRole.script, ...command.preloads]);
    byRole.script = tree.scripts;
    byRole.dependency = tree.dependencies;
    byRole.configuration = [...tree.configuration, ...configuration];
  } else if (command.language === "python" && command.script) {
    byRole.dependency = await pythonTree(command.script.path);
  }
  const roles = new Map<string, FileRole>();
  for (const role of fileRoles) for (const path of byRole[role]) if (!roles.has(path)) roles.set(path, role);
  return roles;
}

async function expand(root: string, include: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of include.map((path) => resolve(root, path))) {
    files.push(...((await stat(path).catch(() => null))?.isDirectory() ? await filesBelow(path) : [path]));
  }
  return files;
}

function nameBelow(root: string, path: string): string {
  const below = relative(root, path);
  return below === "" || below.startsWith("..") || isAbsolute(below) ? path : below.replaceAll(sep, "/");
}

function nameArg(root: string, arg: string): string {
  return arg.startsWith(join(root, sep)) ? nameBelow(root, arg) : arg;
}

async function mappingsOf(pid: number): ReturnType<typeof executableMappings> {
  return executableMappings(pid).catch((cause: unknown) => throwGone(pid, cause));
}

function throwGone(pid: number, cause: unknown): never {
  throw new AffiantError("ERR_INPUT_MEASURE", `process ${pid} is gone or may not be looked at`, { cause });
}
