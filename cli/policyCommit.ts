import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { withAgent } from "./openNamedAgent.ts";
import { columns } from "./output.ts";
import { loadPolicyBundle } from "../agent/policy/loadBundle.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
}

export function policyCommitCommand(): Command {
  return command(
    "commit",
    "Put a policy in force for an agent: checks it, registers the agent if it is not, commits the hash on the chain. " +
      "The relayer pays. A policy that is in force already is left as it is.",
    "all",
    ["affiant policy commit examples/airline/policy --agent support"],
  )
    .argument("<folder>", "bundle.yaml, schema.cedarschema, policy.cedar")
    .requiredOption("--agent <name>", "the agent that commits to it")
    .action(
      run<Flags, [string]>(async ({ environment }, flags, folder) => {
        const bundle = await loadPolicyBundle(folder);
        return withAgent(environment, flags.agent, async (agent) => {
          const registered = (await agent.register()).added;
          const committed = await agent.commitPolicy(bundle);
          return {
            data: { agent: agent.did, registered, policy: bundle.name, ...committed },
            lines: columns([
              ["agent", `${agent.did}${registered ? " (registered now)" : ""}`],
              ["policy", bundle.name],
              ["hash", committed.policyHash],
              ["version", `${committed.version}${committed.added ? "" : " (in force already)"}`],
              ["since block", committed.sinceBlock],
            ]),
          };
        });
      }),
    );
}
