import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What the disk takes of a guarded call: a claim and an entry are two commits, one before and one after it is executed. */
export function openDisk(folder: string): { commitTwice(text: string): number; close(): void } {
  const files = ["disk1.sqlite", "disk2.sqlite"].map((name) => new DatabaseSync(join(folder, name)));
  for (const file of files) {
    file.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)",
    );
  }
  return {
    commitTwice: (text) => {
      const begun = performance.now();
      for (const file of files) file.prepare("INSERT INTO t (text) VALUES (?)").run(text);
      return performance.now() - begun;
    },
    close: () => files.forEach((file) => file.close()),
  };
}

/** @returns milliseconds from the request to the whole answer */
export async function postTimed(url: string, body: string): Promise<number> {
  const begun = performance.now();
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return performance.now() - begun;
}
