import { readFileSync } from "node:fs";

import { type Command, Option } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { withAgent } from "./openNamedAgent.ts";
import { columns } from "./output.ts";
import { type EntryKind, entryKinds } from "../protocol/entry/claims.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import type { Json } from "../protocol/json/canonical.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly kind: EntryKind;
  readonly input?: string;
  readonly output?: string;
  readonly context?: string;
  readonly thread?: string;
  readonly ctr?: string;
  readonly idempotencyKey?: string;
  readonly everyBlocks?: number;
}

export function logAppendCommand(): Command {
  return command("append", "Put one act of an agent on record.", "all", [
    `affiant log append payment.charge --agent support --input '{"amount":10}' --output '{"ok":true}'`,
    "affiant log append payment.charge --agent support --input @call.json --idempotency-key order-7",
    "affiant log append heartbeat --agent support --kind heartbeat --every-blocks 300",
  ])
    .argument("<act>", "what was done, e.g. payment.charge")
    .requiredOption("--agent <name>", "the agent that did it")
    .addOption(new Option("--kind <kind>", "what kind of entry it is").choices(entryKinds).default("act"))
    .option("--input <json>", "what went in: JSON, or @file")
    .option("--output <json>", "what came out: JSON, or @file")
    .option("--context <json>", "what was known or said beside: JSON, or @file")
    .option("--thread <name>", "the task or conversation it belongs to")
    .option("--ctr <cid>", "the scoped contract under which it was done")
    .option(
      "--every-blocks <count>",
      "of a heartbeat: promises the next entry within so many blocks, 0 ends the promise",
      Number,
    )
    .option("--idempotency-key <key>", "the same key again adds nothing")
    .action(
      run<Flags, [string]>(async ({ environment }, flags, act) => {
        const { kind, thread, ctr, idempotencyKey, everyBlocks } = flags;
        const input = readJson("--input", flags.input);
        const output = readJson("--output", flags.output);
        const context = readJson("--context", flags.context);
        return withAgent(environment, flags.agent, async (agent) => {
          const named = { thread, ctr, idempotencyKey, everyBlocks };
          const recorded = await agent.record({ act, kind, input, output, context, ...named });
          return {
            data: { agent: agent.did, ...recorded },
            lines: columns([
              ["entry", `${recorded.seq}${recorded.added ? "" : " (was on record already)"}`],
              ["id", recorded.entryId],
              ["in the log", `number ${recorded.index} of ${recorded.size}`],
              ["status", recorded.status],
            ]),
          };
        });
      }),
    );
}

function readJson(flag: string, text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text) as Json;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `${flag} is neither JSON nor @ and a file that holds JSON`, {
      cause,
    });
  }
}
