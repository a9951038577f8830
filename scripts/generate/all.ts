/** Writes every generated file that is committed. Run by `npm run generate`. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { generateCircuits } from "./circuits.ts";
import { generators } from "./generators.ts";

const root = join(import.meta.dirname, "../..");

for (const generate of generators) {
  for (const { path, text } of await generate()) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    console.log(path);
  }
}
await generateCircuits();
