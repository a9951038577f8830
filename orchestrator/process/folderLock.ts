import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { makePrivate } from "../../host/files/privateFile.ts";

/**
 * Locks that the operating system lets go of when their holder dies, however it dies: the locks that SQLite takes on
 * its files. A file with a process id in it would outlive a crash and could name a stranger.
 */
export interface HeldLock {
  release(): void;
}

/** Held alone, by whoever runs the system from a data folder. */
const ownerFile = "owner.lock";
/** Held together by the processes it started: the next owner waits until the last of them is gone. */
const membersFile = "members.lock";

const busy = 5; // SQLITE_BUSY

/** The folder must be there. @returns undefined if another process owns it */
export function tryOwnFolder(dataDir: string): HeldLock | undefined {
  return tryLock(join(dataDir, ownerFile), "BEGIN EXCLUSIVE");
}

/** Marks this process as one of those that work in the folder. Called in children, whose owner holds the folder. */
export function joinFolder(dataDir: string): HeldLock | undefined {
  return tryLock(join(dataDir, membersFile), "BEGIN; SELECT count(*) FROM sqlite_schema");
}

/**
 * Waits for what an owner that was killed left behind: its children end by themselves, but not in no time, and two
 * generations must not write to the same files.
 * @returns false if some are still there after `timeoutMs`
 */
export async function membersGone(dataDir: string, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const lock = tryLock(join(dataDir, membersFile), "BEGIN EXCLUSIVE");
    if (lock) {
      lock.release();
      return true;
    }
    if (Date.now() >= deadline) return false;
    await sleep(50);
  }
}

function tryLock(path: string, statement: string): HeldLock | undefined {
  makePrivate(path);
  const database = new DatabaseSync(path);
  try {
    database.exec(statement);
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === busy) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
