import { join } from "node:path";

import type { Command } from "commander";

import { command, type CommonFlags, run } from "../command.ts";
import { relayerEnvironment, relayerFolder } from "../environment.ts";
import { columns } from "../output.ts";
import { readRelayerConfig } from "../../relayer/config.ts";

export function rotateNoteKeyCommand(): Command {
  return command(
    "note-key",
    "Give a stopped relayer's log a new key for its checkpoints, on chain and under all that is stored. Settings as for " +
      "affiant relayer; interrupted, run it again.",
    "local",
    ["affiant relayer rotate note-key"],
  ).action(
    run<CommonFlags, []>(async ({ environment }) => {
      const { rotateNoteKey } = await import("../../relayer/rotate/rotateNoteKey.ts");
      const rotation = await rotateNoteKey(readRelayerConfig(relayerEnvironment(environment)));
      const { vkey, resigned, retiredFile } = rotation;
      const lines = columns([
        ["key", vkey],
        ["checkpoints", String(resigned)],
        ["retired", retiredFile],
      ]);
      return { data: rotation, lines };
    }),
  );
}

export function rotateOperatorCommand(): Command {
  return command(
    "operator",
    "Hand a stopped relayer's log over to a new account: offered, accepted, then the key file. Settings as for affiant " +
      "relayer; interrupted, or told to send the new account some ether, run it again.",
    "local",
    ["affiant relayer rotate operator"],
  ).action(
    run<CommonFlags, []>(async ({ environment }) => {
      const { rotateOperator } = await import("../../relayer/rotate/rotateOperator.ts");
      const rotation = await rotateOperator(readRelayerConfig(relayerEnvironment(environment)));
      const { operator, retired, retiredFile } = rotation;
      const lines = columns([
        ["operator", operator],
        ["before", `${retired} (what is left there: ${retiredFile})`],
      ]);
      return { data: rotation, lines };
    }),
  );
}

interface JournalKeyFlags extends CommonFlags {
  readonly journalKey?: string;
  readonly accept?: boolean;
}

export function rotateJournalKeyCommand(): Command {
  return command(
    "journal-key",
    "Digest and seal all rows of a stopped relayer's database under a new key, if they hold under the old one. Interrupted, " +
      "run it again.",
    "local",
    ["affiant relayer rotate journal-key", "affiant relayer rotate journal-key --accept"],
  )
    .option("--journal-key <file>", "the key (AFFIANT_JOURNAL_KEY_FILE, default: journal.key in the relayer's folder)")
    .option(
      "--accept",
      "the key is lost, or rows were changed: take them as they are; open requests that do not hold fail",
    )
    .action(
      run<JournalKeyFlags, []>(async ({ environment }, flags) => {
        const dataDir = relayerFolder(environment.dataDir);
        const keyFile = flags.journalKey ?? environment.journalKeyFile ?? join(dataDir, "journal.key");
        const { rotateJournalKey } = await import("../../relayer/rotate/rotateJournalKey.ts");
        const rotation = rotateJournalKey(dataDir, keyFile, flags.accept ?? false);
        const { rows, accepted, acceptedCount, failed } = rotation;
        const lines = [
          ...columns([
            ["key", rotation.keyFile],
            ["rows", rows],
            ["taken as they are", acceptedCount],
            ["requests failed", failed],
          ]),
          ...accepted,
        ];
        return { data: rotation, lines };
      }),
    );
}
