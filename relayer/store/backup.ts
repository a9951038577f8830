import { chmodSync, copyFileSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { makeFolder } from "../../host/files/makeFolder.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface BackupReport {
  /** Entries in the copy. */
  readonly size: number;
  readonly jobs: number;
  readonly files: readonly string[];
}

/**
 * Copies a relayer's folder, also while the relayer runs. The signed checkpoints go first and the database after them: the
 * copy then has every entry that its checkpoints speak of, and starts. Keys are secrets with other rules than data
 * (`disclosures.key` must be able to forget) and are not copied.
 * @param to a folder that is empty or not there yet
 * @throws AffiantError ERR_INPUT_DATA_FOLDER, ERR_INPUT_FILE
 */
export function backupFolder(from: string, to: string): BackupReport {
  if (!existsSync(join(from, "relayer.db"))) {
    throw new AffiantError("ERR_INPUT_DATA_FOLDER", `no relayer keeps its data in ${from}`);
  }
  if (existsSync(to) && readdirSync(to).length > 0) {
    throw new AffiantError("ERR_INPUT_DATA_FOLDER", `${to} is not empty: a backup never writes over another`);
  }
  const database = new DatabaseSync(join(from, "relayer.db"), { timeout: 10_000 });
  const files = ["checkpoint.0", "checkpoint.1"].filter((name) => existsSync(join(from, name)));
  try {
    makeFolder(to);
    for (const name of files) copyFileSync(join(from, name), join(to, name));
    // One read transaction: the copy is of one moment, and no other process waits for it.
    database.prepare("VACUUM INTO ?").run(join(to, "relayer.db"));
    for (const name of [...files, "relayer.db"]) chmodSync(join(to, name), 0o600);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `the backup could not be written to ${to}`, { cause });
  } finally {
    database.close();
  }
  return { ...count(join(to, "relayer.db")), files: [...files, "relayer.db"] };
}

/** Read from the copy: what cannot be read is no backup. */
function count(file: string): { size: number; jobs: number } {
  const copy = new DatabaseSync(file, { readOnly: true });
  try {
    const number = (query: string) => Number(copy.prepare(query).get()?.["n"]);
    return { size: number("SELECT count(*) AS n FROM entry"), jobs: number("SELECT count(*) AS n FROM job") };
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `the backup cannot be read: ${file}`, { cause });
  } finally {
    copy.close();
  }
}
