import type { Command } from "commander";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { contractIdOf } from "../../protocol/ucan/delegation.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { withAgent } from "../openNamedAgent.ts";
import { readContractFile } from "./contractFiles.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly link?: string;
}

export function contractRevokeCommand(): Command {
  return command(
    "revoke",
    "End a contract on chain, and all that was passed on under it. There is no way back.",
    "all",
    [
      "affiant contract revoke charge.json --agent payment",
      "affiant contract revoke sub.json --agent payment --link 2   # a right that others passed on",
    ],
  )
    .argument("<file>", "the contract")
    .requiredOption("--agent <name>", "who revokes: the issuer of the link, or of one above it")
    .option("--link <number>", "which link of the chain, from 1 (default: the one this agent issued)")
    .action(
      run<Flags, [string]>(async ({ environment }, flags, file) => {
        const chain = readContractFile(file);
        return withAgent(environment, flags.agent, async (agent) => {
          const own = chain.findIndex(({ issuerAgent }) => issuerAgent === agent.did);
          const link = flags.link === undefined ? own : readLink(flags.link, chain.length);
          const revoked = chain[link];
          if (own < 0 || !revoked || own > link) {
            throw new AffiantError("ERR_INPUT_UCAN", `${flags.agent} issued neither this link nor one above it`, {
              hint: "Its revocation would be on record without having an effect.",
            });
          }
          const { added } = await agent.revokeContracts([contractIdOf(revoked)]);
          const { cid } = revoked.envelope;
          return {
            data: { cid, added },
            lines: [added ? `Revoked ${cid}, and all beneath it.` : `${cid} was revoked before.`],
          };
        });
      }),
    );
}

function readLink(text: string, count: number): number {
  const link = Number(text);
  if (/^[1-9][0-9]*$/.test(text) && link <= count) return link - 1;
  throw new AffiantError("ERR_INPUT_CONFIG", `--link is a number from 1 to ${count}, not "${text}"`);
}
