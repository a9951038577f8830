import { join, relative, sep } from "node:path";

import { bundlesIn } from "./bundlePrograms.ts";

const root = join(import.meta.dirname, "../..");
let known: ReadonlyMap<string, string> | undefined;

/**
 * The bundle of a program of ours, if this process itself runs from one: then the set is whole and fits the source. Run
 * from source, everything is.
 * @param program absolute
 */
export function bundleOf(program: string): string | undefined {
  if (!runsFromBundle()) return undefined;
  if (known === undefined) {
    const found = bundlesIn(root);
    const entries = Object.entries(found?.programs ?? {});
    known = new Map(entries.map(([path, name]) => [path, join(root, "cache/programs", found?.folder ?? "", name)]));
  }
  return known.get(relative(root, program).replaceAll(sep, "/"));
}

/** `cli/start/start.js` says so, and nothing else does: what is inherited by others is read in their own programs. */
function runsFromBundle(): boolean {
  return (globalThis as { affiantBundle?: boolean }).affiantBundle === true;
}
