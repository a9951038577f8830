import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { type Environment, requireDeployment, requireRpcUrl } from "./environment.ts";
import { columns } from "./output.ts";
import { type LookedUpCard, lookUpCard } from "../agent/card/lookUpCard.ts";
import { type OwnerAccount, ownerAccountOf } from "../agent/chain/ownerAccount.ts";
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
    "Show an agent: its identifiers, what it has signed so far, whose signature counts for it, and its card, checked. Needs no passphrase.",
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
        const onChain = isDid || isChainKnown ? await lookUp(environment, shown.did) : undefined;
        const card = onChain?.card;
        return {
          data: { ...shown.data, did: shown.did, ...onChain },
          lines: [
            ...(shown.lines ?? columns([["DID", shown.did]])),
            ...(onChain ? describeOwner(onChain.owner) : []),
            ...describe(card),
          ],
          ok: (card ? card.outcome === "holds" : true) && (onChain?.owner.takes.length ?? 0) === 0,
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

interface OnChain {
  readonly owner: OwnerAccount;
  readonly card: LookedUpCard | null;
}

async function lookUp(environment: Environment, did: string): Promise<OnChain> {
  const { address, chainId } = parseEthrDid(did);
  const deployment = requireDeployment(environment);
  if (chainId !== BigInt(deployment.chainId)) {
    throw new AffiantError("ERR_CONFLICT_AGENT_CHAIN", `${did} is not on chain ${deployment.chainId}`, {
      hint: "Give --rpc and --deployment of the agent's chain.",
    });
  }
  const rpc = new Rpc({ url: requireRpcUrl(environment), chainId: deployment.chainId });
  try {
    const owner = await ownerAccountOf(rpc, deployment, address);
    const published = await new Registries(rpc, deployment).cardOf(address);
    const card =
      published &&
      (await lookUpCard(published, {
        allowPrivate: environment.allowPrivate,
        ...(environment.ipfsGateway === undefined ? {} : { ipfsGateway: environment.ipfsGateway }),
      }));
    return { owner, card };
  } finally {
    rpc.close();
  }
}

function describeOwner({ owner, kind, delegate, takes }: OwnerAccount): string[] {
  if (owner === null) return ["", ...columns([["owner", "none: the agent was deactivated"]])];
  const words = {
    key: "signs with its key",
    contract: "a contract: what its code takes for a signature counts (ERC-1271)",
    delegated: `delegated to ${delegate} (EIP-7702): besides its key, what that code takes for a signature counts`,
    none: "",
  };
  const careless =
    takes.length === 0
      ? undefined
      : `its code took ${takes.join(", ")} for its signature: anyone can write for this agent, or take it. Undo the delegation, or change the owner, now`;
  return [
    "",
    ...columns([
      ["owner", `${owner}, ${words[kind]}`],
      ["DANGER", careless],
    ]),
  ];
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
