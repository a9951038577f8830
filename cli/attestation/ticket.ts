import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Command } from "commander";

import { Http } from "../../agent/relayer/http.ts";
import { readSecretFile, writeSecretFile } from "../../agent/keys/secretFile.ts";
import type { Ticket } from "../../protocol/attestation/enrolment.ts";
import { measurementOf, parseManifest } from "../../protocol/attestation/manifest.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";

interface Flags extends CommonFlags {
  readonly service: string;
  readonly tokenFile?: string;
  readonly operator: string;
  readonly for?: string;
  readonly reference?: string;
  readonly out: string;
}

export function ticketCommand(): Command {
  return command(
    "ticket",
    "Have the attestation service give out a ticket: it lets one wrapper enrol one version of one agent, once.",
    "local",
    ["affiant attestation ticket --service http://127.0.0.1:8789 --operator 0x… --out ticket.json"],
  )
    .requiredOption("--service <url>", "the attestation service")
    .requiredOption("--operator <address>", "who runs the agent: verifiers are drawn from other operators if possible")
    .option("--token-file <file>", "the operator's token (default: attestation/service.token in the data folder)")
    .option("--for <address>", "the only agent that may be enrolled")
    .option("--reference <file>", "a manifest (affiant measure --out): the only program that may be enrolled")
    .requiredOption("--out <file>", "where the ticket is written, mode 0600")
    .action(
      run<Flags, []>(async ({ environment }, flags) => {
        const file = flags.tokenFile ?? join(environment.dataDir, "attestation", "service.token");
        const token = (await readSecretFile(file)).trim();
        const measurement = flags.reference === undefined ? undefined : await measurementIn(flags.reference);
        const ticket = await new Http({ url: flags.service }).json<Ticket>({
          method: "POST",
          path: "/v1/attestation/tickets",
          headers: { authorization: `Bearer ${token}` },
          body: { operator: flags.operator, agent: flags.for, measurement },
        });
        await rm(`${flags.out}.draft`, { force: true });
        await writeSecretFile(`${flags.out}.draft`, `${JSON.stringify(ticket, null, 2)}\n`);
        await rename(`${flags.out}.draft`, flags.out);
        const { service, registry, chainId } = ticket;
        // The secret is in the file and nowhere else.
        return { data: { service, registry, chainId, file: flags.out }, lines: [`ticket written to ${flags.out}`] };
      }),
    );
}

async function measurementIn(path: string) {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read`, { cause });
  });
  return measurementOf(parseManifest(text));
}
