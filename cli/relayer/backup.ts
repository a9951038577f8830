import { resolve } from "node:path";

import type { Command } from "commander";

import { command, type CommonFlags, run } from "../command.ts";
import { relayerFolder } from "../environment.ts";
import { columns } from "../output.ts";

export function relayerBackupCommand(): Command {
  return command(
    "backup",
    "Copy a relayer's log and journal into an empty folder, also while it runs. Keys are not copied (docs/relayer.md).",
    "local",
    ["affiant relayer backup /backup/2026-11-21"],
  )
    .argument("<folder>", "where the copy goes")
    .action(
      run<CommonFlags, [string]>(async ({ environment }, flags, folder) => {
        const from = relayerFolder(environment.dataDir);
        const { backupFolder } = await import("../../relayer/store/backup.ts");
        const to = resolve(folder);
        const report = backupFolder(from, to);
        return {
          data: { from, to, ...report },
          lines: columns([
            ["from", from],
            ["to", to],
            ["entries", report.size],
            ["jobs", report.jobs],
          ]),
        };
      }),
    );
}
