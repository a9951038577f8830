import { existsSync } from "node:fs";
import { join } from "node:path";

import type { Command } from "commander";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { relayerFolder } from "../environment.ts";
import { columns } from "../output.ts";

interface Flags extends CommonFlags {
  readonly agent?: string;
  readonly days: string;
}

const dayMs = 86_400_000;

export function relayerTicketCommand(): Command {
  return command(
    "ticket",
    "Issue a ticket that admits one newcomer to a relayer with AFFIANT_ADMISSION=ticket, once. It writes into the relayer's " +
      "own database: the relayer may run or not. The secret is shown here and kept nowhere.",
    "local",
    [
      "affiant relayer ticket",
      "affiant relayer ticket --agent 0x1699cb51369ba5562acff6c8435e637ac58f3f29 --days 1 --json",
    ],
  )
    .option("--agent <address>", "the only agent that it admits (default: whoever comes with it first)")
    .option("--days <count>", "how long it is good for", "7")
    .action(
      run<Flags, []>(async ({ environment }, { agent, days }) => {
        const count = Number(days);
        if (!/^\d{1,4}$/.test(days) || count < 1) throw wrong(`--days is a whole number from 1, not "${days}"`);
        if (agent !== undefined && !/^0x[0-9a-fA-F]{40}$/.test(agent)) throw wrong("--agent is an address");
        const file = join(relayerFolder(environment.dataDir), "relayer.db");
        if (!existsSync(file))
          throw new AffiantError("ERR_INPUT_DATA_FOLDER", `there is no relayer's database at ${file}`);
        const [{ openDatabase }, { issueTicket }] = await Promise.all([
          import("../../relayer/store/database.ts"),
          import("../../relayer/admission/admission.ts"),
        ]);
        const database = openDatabase(file);
        try {
          const expiresAtMs = Date.now() + count * dayMs;
          const ticket = issueTicket(database, { agent: agent ?? null, expiresAtMs });
          const expires = new Date(expiresAtMs).toISOString();
          return {
            data: { ticket, agent: agent ?? null, expires },
            lines: columns([
              ["ticket", ticket],
              ["for", agent ?? "whoever comes with it first"],
              ["until", expires],
            ]),
          };
        } finally {
          database.close();
        }
      }),
    );
}

function wrong(message: string): AffiantError {
  return new AffiantError("ERR_INPUT_CONFIG", message);
}
