/*
 * `npm start`. Plain JavaScript on purpose: a Node that cannot run our TypeScript can still run this and say so, and what is
 * built already is found to be so without reading any. One process from here on: what npm is told, this is told.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { builtFresh, freshBundles } from "./fresh.js";

const root = join(import.meta.dirname, "../..");
await import("./requireNode.js");

if (!builtFresh(root)) {
  console.log("Building the contracts (the first time takes a minute)");
  const hardhat = join(root, "node_modules/hardhat/dist/src/cli.js");
  const { status } = spawnSync(process.execPath, [hardhat, "build", "--no-tests", "--quiet"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
const bundles = freshBundles(root) ?? (await bundled());
if (bundles) {
  globalThis.affiantBundle = true;
  await import(join(root, "cache/programs", bundles.folder, bundles.programs["cli/start/main.ts"]));
} else await import("./main.ts");

/** Where bundles cannot be made, as in a read-only checkout, the source runs as it is. */
async function bundled() {
  try {
    return await (await import("../../orchestrator/bundle/bundlePrograms.ts")).bundlePrograms(root);
  } catch (error) {
    console.error(
      `Programs run from source, which takes longer to start (${String(error?.message ?? error).split("\n")[0]})`,
    );
    return undefined;
  }
}
