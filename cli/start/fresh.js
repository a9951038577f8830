import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whether the contracts were compiled after the last change to them, or to how they are compiled. */
export function builtFresh(root) {
  try {
    const made = statSync(join(root, "cache/built")).mtimeMs;
    statSync(join(root, "protocol/generated/abi/AgentRegistry.ts"));
    statSync(join(root, "artifacts/contracts"));
    const sources = readdirSync(join(root, "contracts"), { recursive: true, encoding: "utf8" });
    const paths = [...sources.map((name) => join("contracts", name)), "hardhat.config.ts", "package-lock.json"];
    return paths.every((path) => statSync(join(root, path)).mtimeMs < made);
  } catch {
    return false;
  }
}

/** Called when the contracts have been compiled. A folder that cannot be written means: compiled again next time. */
export function markBuilt(root) {
  try {
    writeFileSync(join(root, "cache/built"), `${new Date().toISOString()}\n`);
  } catch {
    // Nothing depends on it.
  }
}

/** The bundles, if they are of this Node, this place and these files. */
export function freshBundles(root) {
  try {
    const bundles = JSON.parse(readFileSync(join(root, "cache/programs/current.json"), "utf8"));
    if (bundles.root !== root || bundles.node !== process.version) return undefined;
    for (const [path, stamp] of Object.entries(bundles.inputs)) {
      const { size, mtimeMs } = statSync(join(root, path));
      if (`${size}:${Math.trunc(mtimeMs)}` !== stamp) return undefined;
    }
    for (const name of Object.values(bundles.programs)) statSync(join(root, "cache/programs", bundles.folder, name));
    return bundles;
  } catch {
    return undefined;
  }
}
