import { chmodSync, closeSync, existsSync, openSync, statSync } from "node:fs";

/**
 * Makes a file that only its owner may read (0600) before a database is opened in it, and takes the others' rights from one
 * that is there. SQLite gives what it puts beside (`-wal`, `-shm`) the mode of the file itself; those that are there get it here.
 * A file that is there is not opened: closing it would end the locks that this process holds on it (POSIX).
 */
export function makePrivate(path: string): void {
  if (path === ":memory:" || process.platform === "win32") return;
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    if (existsSync(file) && (statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  }
}
