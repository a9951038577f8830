import { closeSync, fsyncSync, linkSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";

/** Where the key to come waits until it is the key: an interrupted rotation finds it again. */
export function nextKeyFile(file: string): string {
  return `${file}.next`;
}

/**
 * Puts the next key in place of the one there is, which stays beside it: a backup from before needs it. At no moment is
 * there no key, for a relayer that found none would make one.
 * @param name tells the retired keys apart
 * @returns where the retired key is
 */
export function swapKeyFiles(file: string, name: string): string {
  const retired = `${file}.retired-${name}`;
  try {
    linkSync(file, retired);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // an interrupted swap came as far
  }
  putNextKey(file);
  return retired;
}

/** Makes the next key the key, where there was none. */
export function putNextKey(file: string): void {
  renameSync(nextKeyFile(file), file);
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}
