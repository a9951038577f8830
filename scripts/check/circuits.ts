/**
 * Makes circuits, development keys, verifiers and their manifest again from source and compares them byte for byte with
 * what is committed. Takes about a minute: the phase 1 of development is computed too, none of it is taken on trust.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { root } from "../../circuits/setup/compile.ts";
import { buildGeneratedFiles, circomConstants, constantsPath, type GeneratedFiles } from "../generate/circuits.ts";

/** The paths whose committed bytes differ from those made now, or that are missing. */
export async function differingFiles(made: GeneratedFiles): Promise<readonly string[]> {
  const differing: string[] = [];
  for (const [path, content] of made) {
    const committed = await readFile(join(root, path)).catch(() => undefined);
    if (!committed || Buffer.compare(committed, content) !== 0) differing.push(path);
  }
  return differing;
}

/** Part of `npm run check:generated`. @returns the paths that are not what the sources make, empty if all is well */
export async function checkCircuits(): Promise<readonly string[]> {
  const constants = new Map([[constantsPath, new TextEncoder().encode(circomConstants())]]);
  const stale = await differingFiles(constants);
  // With stale constants the rest would be made from something else than the sources.
  return stale.length > 0 ? stale : differingFiles(await buildGeneratedFiles());
}

if (import.meta.main) {
  const differing = await checkCircuits();
  for (const path of differing)
    console.error(`${path} is not what its sources make; run node scripts/generate/circuits.ts`);
  process.exitCode = differing.length > 0 ? 1 : 0;
}
