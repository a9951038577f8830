import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { table } from "./output.ts";
import { listAgents } from "../agent/keys/agentFolder.ts";

export function agentListCommand(): Command {
  return command("list", "List the agents in the data folder.", "local", ["affiant agent list --json"]).action(
    run<CommonFlags, []>(async ({ environment }) => {
      const agents = await listAgents(environment.dataDir);
      return {
        data: { agents },
        lines:
          agents.length === 0
            ? [`No agents in ${environment.dataDir}. Make one: affiant agent create NAME`]
            : table(
                ["NAME", "DID", "SIGNING KEY"],
                agents.map(({ name, did, signingKey }) => [name, did, signingKey]),
              ),
      };
    }),
  );
}
