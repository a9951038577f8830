import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { makeFolder } from "../../host/files/makeFolder.ts";
/** Writes a new file that only its owner may read (0600), durably. Never replaces one: a lost key cannot be made again. */
export function writeSecretFile(file: string, text: string): void {
  makeFolder(dirname(file));
  const fd = openSync(file, "wx", 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
