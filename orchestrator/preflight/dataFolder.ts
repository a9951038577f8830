import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { makeFolder } from "../../host/files/makeFolder.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type HeldLock, membersGone, tryOwnFolder } from "../process/folderLock.ts";

const wayOut = "Choose another one: --data DIR";

/** How long processes of a run that was killed may take to end. Longer than the leash lets them. */
const membersTimeoutMs = 15_000;

/**
 * Makes the data folder and takes it for this process alone.
 * @throws AffiantError ERR_INPUT_DATA_FOLDER if it cannot be written, ERR_CONFLICT_RUNNING if the system runs from it
 */
export async function takeDataFolder(dataDir: string): Promise<HeldLock> {
  assertWritable(dataDir);
  const lock = tryOwnFolder(dataDir);
  if (!lock) {
    throw new AffiantError("ERR_CONFLICT_RUNNING", `the system is already running from ${dataDir}`, {
      hint: `Stop it, or choose another data folder: --data DIR`,
    });
  }
  if (!(await membersGone(dataDir, membersTimeoutMs))) {
    lock.release();
    throw new AffiantError("ERR_CONFLICT_RUNNING", `processes of an earlier run still work in ${dataDir}`, {
      hint: `End them, or choose another data folder: --data DIR`,
    });
  }
  return lock;
}

/** Tries what will be done there later: a permission bit can look right on a read-only or a full disk. */
function assertWritable(dataDir: string): void {
  const probe = join(dataDir, `.probe-${process.pid}`);
  try {
    makeFolder(dataDir);
    writeFileSync(probe, "written to see whether it can be");
    rmSync(probe);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new AffiantError("ERR_INPUT_DATA_FOLDER", `the data folder ${dataDir} cannot be written (${code})`, {
      hint: wayOut,
      details: { dataDir, reason: code },
      cause,
    });
  }
}

/**
 * The log and the agents' journals name blocks of one chain. Without that chain nothing in them can be proven, so a new
 * chain under them is refused; it would look like a fresh start and fail every audit.
 * @throws AffiantError ERR_CONFLICT_CHAIN
 */
export function assertSameGeneration(dataDir: string, chainStatePath: string, dependents: readonly string[]): void {
  if (existsSync(chainStatePath)) return;
  const left = dependents.filter((name) => existsSync(join(dataDir, name)));
  if (left.length === 0) return;
  throw new AffiantError("ERR_CONFLICT_CHAIN", `${dataDir} holds ${left.join(", ")} but no chain that they belong to`, {
    hint: `Put ${chainStatePath} back, or begin anew with an empty folder: --data DIR`,
    details: { missing: chainStatePath, left },
  });
}
