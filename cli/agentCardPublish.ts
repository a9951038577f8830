import { readFile, writeFile } from "node:fs/promises";

import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { withAgent } from "./openNamedAgent.ts";
import { columns } from "./output.ts";
import { cardSchemes } from "../agent/card/fetchCard.ts";
import { capabilitiesOf, encodeCapability } from "../agent/card/capabilities.ts";
import { requireAgentCard } from "../agent/card/a2aForm.ts";
import { type AgentCard, signCard } from "../agent/card/signedCard.ts";
import { checkCardUri } from "../protocol/card/cardUri.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import type { Json } from "../protocol/json/canonical.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly uri: string;
  readonly out?: string;
}

export function agentCardPublishCommand(): Command {
  return command(
    "publish",
    "Sign an A2A agent card in the agent's name, write it, and put its address, hash and capabilities on the chain. " +
      "The relayer pays. You serve the written file, byte for byte, at the address.",
    "all",
    ["affiant agent card publish card.json --agent support --uri https://agent.example/.well-known/agent-card.json"],
  )
    .argument("<file>", "an A2A agent card, JSON")
    .requiredOption("--agent <name>", "the agent whose card it is")
    .requiredOption("--uri <uri>", "where the signed card will be: http(s), ipfs, or data: to have it in the URI")
    .option("--out <file>", "where to write the signed card (default: FILE with .signed.json at its end)")
    .action(
      run<Flags, [string]>(async ({ environment }, flags, file) => {
        const { out = `${file.replace(/\.json$/, "")}.signed.json` } = flags;
        checkCardUri(flags.uri);
        if (!URL.canParse(flags.uri) || !cardSchemes.includes(new URL(flags.uri).protocol)) {
          throw new AffiantError(
            "ERR_INPUT_CONFIG",
            `--uri is an http(s) or ipfs address, or data:, not "${flags.uri}"`,
          );
        }
        if (flags.uri.startsWith("data:") && flags.uri !== "data:") {
          throw new AffiantError("ERR_INPUT_CONFIG", "what is in the URI is the signed card: give --uri data: alone");
        }
        const card = await readCard(file);
        const { onChain: tags, inCardOnly } = capabilitiesOf(card);
        return withAgent(environment, flags.agent, async (agent) => {
          const { publicKey } = agent.signer;
          const { bytes, contentHash } = await signCard(card, publicKey, (message) => agent.signer.sign(message));
          const isInUri = flags.uri === "data:";
          const uri = isInUri ? `data:application/json;base64,${Buffer.from(bytes).toString("base64")}` : flags.uri;
          await writeFile(out, bytes, { flush: true });
          const registered = (await agent.register()).added;
          const { added } = await agent.publishCard({ uri, contentHash, capabilities: tags.map(encodeCapability) });
          return {
            data: { agent: agent.did, registered, file: out, uri, contentHash, capabilities: tags, inCardOnly, added },
            lines: [
              ...columns([
                ["agent", `${agent.did}${registered ? " (registered now)" : ""}`],
                ["card", `${out}${added ? "" : " (published already)"}`],
                ["SHA-256", contentHash],
                ["capabilities", tags.join(", ") || "none"],
                ["in the card only", inCardOnly.length === 0 ? undefined : inCardOnly.join(", ")],
              ]),
              "",
              isInUri
                ? `Next: affiant agent show ${flags.agent}; the card is in its URI, on chain`
                : `Next: serve ${out} as it is at ${uri}, then affiant agent show ${flags.agent}`,
            ],
          };
        });
      }),
    );
}

async function readCard(file: string): Promise<AgentCard> {
  let card: Json;
  try {
    card = JSON.parse(await readFile(file, "utf8")) as Json;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${file} cannot be read as JSON`, { cause });
  }
  return requireAgentCard(card, file);
}
