import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { withAgent } from "./openNamedAgent.ts";
import { columns } from "./output.ts";
import { toHex } from "../protocol/encoding/hex.ts";

export function agentProveCommand(): Command {
  return command(
    "prove",
    "Bind a zero-knowledge identity to an agent: makes its key, proves that the agent holds it, and has the proof " +
      "carried to the chain. The relayer pays. An identity that is bound already is left as it is.",
    "all",
    ["affiant agent prove support"],
  )
    .argument("<name>")
    .action(
      run<CommonFlags, [string]>(async ({ environment }, _flags, name) =>
        withAgent(environment, name, async (agent) => {
          const registered = (await agent.register()).added;
          const { commitment, ...proved } = await agent.proveKeyOwnership();
          const text = toHex(Buffer.from(commitment.toString(16).padStart(64, "0"), "hex"));
          return {
            data: { agent: agent.did, registered, commitment: text, ...proved },
            lines: columns([
              ["agent", `${agent.did}${registered ? " (registered now)" : ""}`],
              ["commitment", `${text}${proved.added ? "" : " (bound already)"}`],
              ["since block", proved.blockNumber],
              ["gas", proved.gasUsed],
            ]),
          };
        }),
      ),
    );
}
