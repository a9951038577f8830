import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";

import { filesBelow, nodeTree } from "../../attestation/measure/nodeTree.ts";
import type { PipelineAgent } from "../descriptor/pipeline.ts";

/**
 * Names a release of an agent: SHA-256, in hex, over its program with every file that it imports, its policy, what is
 * measured beside it, and how it is run: by which Node, and where the folder lies, since attestation measures Node and
 * whatever is not copied by path. Packages count by their lock file alone, Node by its version: attestation measures both
 * whole.
 * @param include files and folders, absolute
 * @param source folder of the descriptor
 */
export async function releaseOf(agent: PipelineAgent, include: readonly string[], source: string): Promise<string> {
  const { scripts, configuration } = await nodeTree([agent.program]);
  const files = new Set<string>([...scripts, ...configuration]);
  for (const path of [agent.policy, ...include]) {
    for (const file of await filesBelow(path).catch(() => [path])) files.add(file);
  }
  const hash = createHash("sha256");
  const { args, memoryMb, cpuMillis, bundle } = agent;
  const run = [relative(source, agent.program), args, memoryMb, cpuMillis < 250, bundle];
  hash.update(JSON.stringify([...run, process.execPath, process.version, resolve(source)]));
  const named = [...files]
    .map((path) => [relative(dirname(source), path), path] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, path] of named) {
    const bytes = await readFile(path);
    hash.update(`\n${name} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}
