import { resolve } from "node:path";

import type { Command } from "commander";

import { command, type CommonFlags, run } from "../command.ts";
import { relayerFolder } from "../environment.ts";
import { columns } from "../output.ts";

interface Flags extends CommonFlags {
  /** The relayer's own folder. */
  readonly data?: string;
}

export function relayerBackupCommand(): Command {
  return command(
    "backup",
    "Copy a relayer's log and journal into an empty folder, also while it runs. Keys are not copied (docs/relayer.md).",
    "local",
    ["affiant relayer backup /backup/2026-11-21"],
  )
    .argument("<folder>", "where the copy goes")
    .option("--data <folder>", "the relayer's own folder (default: relayer in the data folder)")
    .action(
      run<Flags, [string]>(async ({ environment }, flags, folder) => {
        const from = flags.data === undefined ? relayerFolder(environment.dataDir) : resolve(flags.data);
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
