import { once } from "node:events";

import type { Command } from "commander";

import { printJson, printLines } from "../../host/terminal/print.ts";
import { command, type CommonFlags, group, run } from "../command.ts";
import { relayerEnvironment } from "../environment.ts";
import { relayerBackupCommand } from "./backup.ts";
import { jobsListCommand, jobsRetryCommand } from "./jobs.ts";
import { rotateJournalKeyCommand, rotateNoteKeyCommand, rotateOperatorCommand } from "./rotate.ts";
import { relayerTicketCommand } from "./ticket.ts";
import { readRelayerConfig } from "../../relayer/config.ts";

export function relayerCommand(): Command {
  return command(
    "relayer",
    "Run the relayer in this process until Ctrl-C. Its settings are AFFIANT_… variables (docs/relayer.md); what " +
      "npm start left in the data folder stands in for those that are not set.",
    "local",
    [
      "affiant relayer",
      "AFFIANT_RPC_URL=https://rpc.example AFFIANT_DEPLOYMENT=deployment.json AFFIANT_PORT=8787 affiant relayer",
    ],
  )
    .addCommand(relayerBackupCommand())
    .addCommand(relayerTicketCommand())
    .addCommand(group("jobs", "What the relayer is to do on chain.", [jobsListCommand(), jobsRetryCommand()]))
    .addCommand(
      group("rotate", "Change the log's own keys, or the one that its database is sealed under.", [
        rotateNoteKeyCommand(),
        rotateOperatorCommand(),
        rotateJournalKeyCommand(),
      ]),
    )
    .enablePositionalOptions() // as affiantProgram does: it takes both
    .action(
      run<CommonFlags, []>(async ({ environment, json }) => {
        // Loaded here: no other command should pay for a whole HTTP server when it starts.
        const { startRelayer } = await import("../../relayer/startRelayer.ts");
        const relayer = await startRelayer(readRelayerConfig(relayerEnvironment(environment)));
        if (json) printJson("stdout", { ready: true, url: relayer.url });
        else printLines("stdout", [`relayer at ${relayer.url}`]);
        const signal = await Promise.race(["SIGINT", "SIGTERM"].map((name) => once(process, name).then(() => name)));
        await relayer.close();
        return { data: { ready: false, signal }, lines: [`relayer ended (${signal})`] };
      }),
    );
}
