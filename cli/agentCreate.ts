import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { requireDeployment } from "./environment.ts";
import { columns } from "./output.ts";
import { createAgentKeys } from "../agent/keys/keystore.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly chainId?: string;
}

export function agentCreateCommand(): Command {
  return command("create", "Make an agent: a folder with its two keys. Nothing is sent anywhere.", "local", [
    "affiant agent create support",
    "AFFIANT_PASSPHRASE_FILE=secret.txt affiant agent create support   # both keys encrypted",
    "affiant agent create support --chain-id 31337                     # without a running system",
  ])
    .argument("<name>", "1 to 63 of A-Z a-z 0-9 . _ -")
    .option("--chain-id <id>", "the chain it will live on (default: that of the deployment)")
    .option("--deployment <file>", "where the contracts are (AFFIANT_DEPLOYMENT, default: what npm start left)")
    .action(
      run<Flags, [string]>(async ({ environment }, flags, name) => {
        const chainId = flags.chainId ? readChainId(flags.chainId) : requireDeployment(environment).chainId;
        const { dataDir, passphrase } = environment;
        const facts = await createAgentKeys({ dataDir, name, chainId, passphrase });
        return {
          data: { ...facts, encrypted: passphrase !== undefined },
          lines: [
            ...columns([
              ["agent", name],
              ["DID", facts.did],
              ["signing key", facts.signingKey],
              ["keys", passphrase === undefined ? "not encrypted (file mode 0600 protects them)" : "encrypted"],
            ]),
            "",
            `Next: affiant policy commit FOLDER --agent ${name}   (registers the agent and commits its policy)`,
          ],
        };
      }),
    );
}

function readChainId(text: string): number {
  const chainId = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(chainId) && chainId > 0) return chainId;
  throw new AffiantError("ERR_INPUT_CONFIG", `--chain-id is a whole number from 1, not "${text}"`);
}
