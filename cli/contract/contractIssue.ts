import { randomBytes } from "node:crypto";

import type { Command } from "commander";

import { openAgentKeys } from "../../agent/keys/keystore.ts";
import { type KeyDid, parseKeyDidText } from "../../protocol/did/key.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

import { type Delegation, issueDelegation } from "../../protocol/ucan/delegation.ts";
import { parseScope } from "../../protocol/ucan/shorthand.ts";
import { delegationInWords } from "../../protocol/ucan/words.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { readContractFile, writeContractFile } from "./contractFiles.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly to: string;
  readonly scope: string;
  readonly expires: string;
  readonly under?: string;
  readonly out: string;
}

export function contractIssueCommand(): Command {
  return command("issue", "Sign a contract that lets another agent do something, and nothing else.", "local", [
    "affiant contract issue --agent payment --to did:key:z6Mk… --scope payment:charge:max_10000usd --out charge.json",
    "affiant contract issue --agent order --to did:key:z6Mk… --scope payment:charge --under charge.json --out sub.json",
  ])
    .requiredOption("--agent <name>", "who grants it")
    .requiredOption("--to <did:key>", "who may use it")
    .requiredOption("--scope <scope>", "e.g. payment:charge or payment:charge:max_10000usd")
    .requiredOption("--out <file>", "where to write the contract")
    .option("--expires <time>", "how long it holds: 90s, 15m, 12h, 30d or never", "30d")
    .option("--under <file>", "pass on a right that was granted by this contract, instead of one's own")
    .action(
      run<Flags, []>(async ({ environment }, flags) => {
        const { signing, facts } = await openAgentKeys(environment.dataDir, flags.agent, environment.passphrase);
        const above = flags.under === undefined ? [] : readContractFile(flags.under);
        checkHolder(above, signing.did);
        const { command: path, policy } = parseScope(flags.scope);
        const subject = above[0]?.subject as KeyDid | undefined;
        const contract = await issueDelegation(
          {
            audience: parseKeyDidText(flags.to),
            ...(subject === undefined ? {} : { subject }),
            command: path,
            policy,
            nonce: randomBytes(16),
            expiresAtSec: expiryOf(flags.expires),
            agent: facts.did,
          },
          signing,
        );
        writeContractFile(flags.out, [...above, contract]);
        return {
          data: { cid: contract.envelope.cid, file: flags.out },
          lines: [delegationInWords(contract), "", `${contract.envelope.cid}  ${flags.out}`],
        };
      }),
    );
}

function checkHolder(above: readonly Delegation[], holder: KeyDid): void {
  const last = above.at(-1);
  if (last && last.audience !== holder) {
    throw new AffiantError("ERR_INPUT_UCAN", `the contract above is made out to ${last.audience}, not to this agent`);
  }
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function expiryOf(text: string): number | null {
  if (text === "never") return null;
  const match = /^([1-9][0-9]{0,8})([smhd])$/.exec(text);
  const unit = units[match?.[2] ?? ""];
  if (!match?.[1] || unit === undefined) {
    throw new AffiantError(
      "ERR_INPUT_CONFIG",
      `--expires is a time such as 90s, 15m, 12h, 30d or never, not "${text}"`,
    );
  }
  return Math.floor(Date.now() / 1000) + Number(match[1]) * unit;
}
