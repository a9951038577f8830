/** Fails if a committed generated file is not what its generator writes today. Run by `npm run check:generated`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { checkCircuits } from "./circuits.ts";
import { generators } from "../generate/generators.ts";

const root = join(import.meta.dirname, "../..");
const stale: string[] = [];

for (const generate of generators) {
  for (const { path, text } of await generate()) {
    const committed = await readFile(join(root, path), "utf8").catch(() => undefined);
    if (committed !== text) stale.push(path);
  }
}
stale.push(...(await checkCircuits()));
if (stale.length > 0) {
  console.error(`Not what the generator writes (run \`npm run generate\`):\n${stale.join("\n")}`);
  process.exitCode = 1;
}
