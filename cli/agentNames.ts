import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { readAgentFacts } from "../agent/keys/agentFolder.ts";

/** What the agents of a data folder are called, by DID; a folder that is none of an agent is passed over. */
export async function readAgents(dataDir: string): Promise<Readonly<Record<string, string>>> {
  const folders = await readdir(join(dataDir, "agents"), { withFileTypes: true }).catch(() => []);
  const named = folders
    .filter((folder) => folder.isDirectory())
    .map(async ({ name }) => {
      const facts = await readAgentFacts(dataDir, name).catch(() => undefined);
      return facts ? [[facts.did, facts.name] as const] : [];
    });
  return Object.fromEntries((await Promise.all(named)).flat());
}
