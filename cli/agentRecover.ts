import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { withAgent } from "./openNamedAgent.ts";

export function agentRecoverCommand(): Command {
  return command(
    "recover",
    "Read entries that the journal lacks back from the relayer, after it was lost or restored from a backup. " +
      "Each is checked: the agent's own signature, number and predecessor. Their payloads and idempotency keys " +
      "were only in the journal and do not come back.",
    "all",
    ["affiant agent recover support"],
  )
    .argument("<name>")
    .action(
      run<CommonFlags, [string]>(async ({ environment }, _flags, name) =>
        withAgent(environment, name, async (agent) => {
          const recovered = await agent.recover();
          return {
            data: { agent: name, recovered, head: agent.head },
            lines: [
              recovered === 0
                ? `Nothing to recover: the journal of ${name} has all that the log has.`
                : `Recovered ${recovered} entries of ${name}; the last is ${agent.head?.seq}.`,
            ],
          };
        }),
      ),
    );
}
