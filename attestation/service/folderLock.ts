import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { makeFolder } from "../../host/files/makeFolder.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { makePrivate } from "../../host/files/privateFile.ts";

/**
 * Makes this process the only service on a data folder, until it closes the lock or dies: the operating system's lock on
 * a small database file, which no crash leaves behind.
 * @throws AffiantError ERR_CONFLICT_RUNNING
 */
export function lockFolder(dir: string): { release(): void } {
  makeFolder(dir);
  makePrivate(join(dir, "lock.db"));
  const lock = new DatabaseSync(join(dir, "lock.db"), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new AffiantError("ERR_CONFLICT_RUNNING", `another attestation service is using ${dir}`, { cause });
  }
  return { release: () => lock.close() };
}
