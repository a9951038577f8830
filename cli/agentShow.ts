import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { type Environment, requireDeployment, requireRpcUrl } from "./environment.ts";
import { columns } from "./output.ts";
import { type LookedUpCard, lookUpCard } from "../agent/card/lookUpCard.ts";
import { Registries } from "../agent/chain/registries.ts";
import { Rpc } from "../agent/chain/rpc.ts";
import { Journal } from "../agent/journal/journal.ts";
import { agentFolder, readAgentFacts } from "../agent/keys/agentFolder.ts";
import { parseEthrDid } from "../protocol/did/ethr.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";

/** Undefined: no chain is known that could be asked. Null: the agent publishes none. */
type Card = LookedUpCard | null | undefined;

export function agentShowCommand(): Command {
  return command(
    "show",
    "Show an agent: its identifiers, what it has signed so far, and its card, checked. Needs no passphrase.",
    "chain",
    [
      "affiant agent show support",
      "affiant agent show support --json",
      "affiant agent show did:ethr:0x7a69:0x1699cb51369ba5562acff6c8435e637ac58f3f29",
    ],
  )
    .argument("<agent>", "name of an agent in the data folder, or a DID")
    .option("--allow-private", "fetch the card also from this machine and private networks (AFFIANT_ALLOW_PRIVATE=1)")
    .action(
      run<CommonFlags, [string]>(async ({ environment }, _flags, agent) => {
        const isDid = agent.startsWith("did:");
        const shown = isDid ? { did: agent } : await showLocal(environment, agent);
        // What is in the folder is shown without a chain, too.
        const isChainKnown = environment.rpcUrl !== undefined && environment.deploymentPath !== undefined;
        const card = isDid || isChainKnown ? await cardOf(environment, shown.did) : undefined;
        return {
          data: { ...shown.data, did: shown.did, ...(card === undefined ? {} : { card }) },
          lines: [...(shown.lines ?? columns([["DID", shown.did]])), ...describe(card)],
          ok: card ? card.outcome === "holds" : true,
        };
      }),
    );
}

interface Shown {
  readonly did: string;
  readonly data?: object;
  readonly lines?: readonly string[];
}

async function showLocal({ dataDir }: Environment, name: string): Promise<Shown> {
  const facts = await readAgentFacts(dataDir, name);
  const folder = agentFolder(dataDir, name);
  const journal = new Journal(folder.journal);
  try {
    const head = journal.head();
    const entries = journal.countByStatus();
    return {
      did: facts.did,
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
}

async function cardOf(environment: Environment, did: string): Promise<LookedUpCard | null> {
  const { address, chainId } = parseEthrDid(did);
  const deployment = requireDeployment(environment);
  if (chainId !== BigInt(deployment.chainId)) {
    throw new AffiantError("ERR_CONFLICT_AGENT_CHAIN", `${did} is not on chain ${deployment.chainId}`, {
      hint: "Give --rpc and --deployment of the agent's chain.",
    });
  }
  const rpc = new Rpc({ url: requireRpcUrl(environment), chainId: deployment.chainId });
  try {
    const published = await new Registries(rpc, deployment).cardOf(address);
    return published && (await lookUpCard(published, { allowPrivate: environment.allowPrivate }));
  } finally {
    rpc.close();
  }
}

function describe(card: Card): string[] {
  if (card === undefined) return [];
  if (card === null) return ["", "no card is published"];
  const { outcome, detail, uri, contentHash, signedBy, capabilities, card: content } = card;
  return [
    "",
    ...columns([
      ["card", uri],
      ["SHA-256", contentHash],
      ["check", `${outcome}: ${detail}`],
      ["signed by", signedBy.join(", ") || undefined],
      ["capabilities", capabilities.join(", ") || undefined],
    ]),
    ...(content ? ["", JSON.stringify(content, null, 2)] : []),
  ];
}
