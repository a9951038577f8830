import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Commands } from "../../commands/commands.ts";
import type { Operation, Service } from "../operation.ts";
import { exactly, list, text } from "../schemas.ts";

function commandsOf({ commands }: Service): Commands {
  if (commands) return commands;
  throw new AffiantError("ERR_NOT_FOUND_ROUTE", "this directory passes no commands on", {
    hint: "It was started without a relayer.",
  });
}

export const listCommands: Operation = {
  method: "GET",
  path: "/v1/commands",
  summary: "Changes that can be asked for, with the schema of their arguments",
  answer: exactly({ commands: list(exactly({ name: text, schema: { type: "object" } })) }),
  run: async (service) => {
    const types = [...commandsOf(service).types.values()];
    return { body: { commands: types.map(({ name, schema }) => ({ name, schema })) } };
  },
};

export const postCommand: Operation = {
  method: "POST",
  path: "/v1/commands/{name}",
  summary: "Have the relayer carry a signed change to the chain",
  parameters: { name: { in: "path", schema: { type: "string", pattern: "^[A-Za-z.]{1,80}$" } } },
  body: { type: "object" },
  idempotent: true,
  answer: exactly({ id: text, state: text, followUrl: text }),
  run: async (service, { parameters, body, idempotencyKey = "" }) => {
    const args = body as Readonly<Record<string, unknown>>;
    const accepted = await commandsOf(service).submit(String(parameters["name"]), args, idempotencyKey);
    return { status: 202, body: accepted };
  },
};

export const commandOperations: readonly Operation[] = [listCommands, postCommand];
