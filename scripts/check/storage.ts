/**
 * Compares the registries' storage with that of the last release (`snapshots/storage-layout.json`): what is behind a proxy
 * must still find its data after an upgrade. `npm run check:storage`; `--release` writes the file, as
 * `npm run release:version` does.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { layoutFaults } from "../storage/compareLayouts.ts";
import { readStorageLayout, type StorageLayout } from "../storage/readLayout.ts";

const file = join(import.meta.dirname, "../../snapshots/storage-layout.json");
const current = await readStorageLayout();
if (process.argv.includes("--release")) {
  await writeFile(file, `${JSON.stringify(current, null, 2)}\n`);
} else {
  const faults = layoutFaults(JSON.parse(await readFile(file, "utf8")) as StorageLayout, current);
  for (const fault of faults) console.error(fault);
  console.log(`storage: ${Object.keys(current).length} structs, ${faults.length} faults`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
