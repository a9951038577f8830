import { type Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { columns } from "./output.ts";
import { Journal } from "../agent/journal/journal.ts";
import { agentFolder, readAgentFacts } from "../agent/keys/agentFolder.ts";

export function agentShowCommand(): Command {
  return command(
    "show",
    "Show an agent: its identifiers and what it has signed so far. Needs no passphrase.",
    "local",
    ["affiant agent show support", "affiant agent show support --json"],
  )
    .argument("<name>")
    .action(
      run<CommonFlags, [string]>(async ({ environment }, _flags, name) => {
        const facts = await readAgentFacts(environment.dataDir, name);
        const folder = agentFolder(environment.dataDir, name);
        const journal = new Journal(folder.journal);
        try {
          const head = journal.head();
          const entries = journal.countByStatus();
          return {
            data: { ...facts, folder: folder.path, head: head && { seq: head.seq, entryId: head.entryId }, entries },
            lines: columns([
              ["agent", facts.name],
              ["DID", facts.did],
              ["account", facts.address],
              ["signing key", facts.signingKey],
              ["chain", facts.chainId],
              ["folder", folder.path],
              ["entries", journal.count()],
              ["not sent yet", entries.signed],
              ["last entry", head ? `${head.seq}  ${head.entryId}` : "none"],
            ]),
          };
        } finally {
          journal.close();
        }
      }),
    );
}
