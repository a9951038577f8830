import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Fresh folders for the tests of one `describe`, gone when it ends. Call inside `describe`. */
export function tempFolders(): () => Promise<string> {
  const made: string[] = [];
  after(async () => {
    for (const path of made) await rm(path, { recursive: true, force: true });
  });
  return async () => {
    const path = await mkdtemp(join(tmpdir(), "affiant-test-"));
    made.push(path);
    return path;
  };
}
