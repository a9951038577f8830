import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { makeFolder } from "../../host/files/makeFolder.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { makePrivate } from "../../host/files/privateFile.ts";

/**
 * How a process uses a data folder: `alone` (a relayer without Redis, a repair), `writer` (the relayer that writes the log, beside
 * workers), `worker` (one of several that share the journal). There is one writer, and nobody beside `alone`.
 */
export type FolderUse = "alone" | "writer" | "worker";

/** SQLite's lock levels say just that: EXCLUSIVE bars all, RESERVED is one beside many SHARED. */
const takeLock: Readonly<Record<FolderUse, string>> = {
  alone: "BEGIN EXCLUSIVE",
  writer: "BEGIN IMMEDIATE",
  worker: "BEGIN; SELECT count(*) FROM sqlite_schema",
};

/**
 * Keeps a data folder for a use, until it is released or the process dies: the operating system's locks on a small
 * database file, which no crash leaves behind.
 * @throws AffiantError ERR_CONFLICT_RUNNING
 */
export function lockFolder(dir: string, use: FolderUse = "alone"): { release(): void } {
  makeFolder(dir);
  makePrivate(join(dir, "lock.db"));
  const lock = new DatabaseSync(join(dir, "lock.db"), { timeout: 0 });
  try {
    lock.exec(takeLock[use]);
  } catch (cause) {
    lock.close();
    throw new AffiantError("ERR_CONFLICT_RUNNING", `another relayer is using ${dir}`, {
      cause,
      details: { use },
      hint: "several processes on one folder need REDIS_URL for each, and AFFIANT_ROLE=worker for all but one",
    });
  }
  return { release: () => lock.close() };
}
