import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { type EthrDid, formatEthrDid, parseEthrDid } from "../../protocol/did/ethr.ts";
import { type KeyDid, parseKeyDid } from "../../protocol/did/key.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";

/** The public facts of an agent, `agent.json`. */
export interface AgentFacts {
  readonly format: "affiant-agent/1";
  readonly name: string;
  readonly chainId: number;
  /** EIP-55. */
  readonly address: string;
  readonly did: EthrDid;
  readonly signingKey: KeyDid;
}

/** Where the things of an agent are: `<dataDir>/agents/<name>/`. */
export interface AgentFolder {
  readonly name: string;
  readonly path: string;
  readonly facts: string;
  readonly accountKey: string;
  readonly signingKey: string;
  /** Of the zero-knowledge identity; there only once the agent has proved one. */
  readonly zkKey: string;
  readonly journal: string;
}

/** @throws AffiantError ERR_INPUT_MALFORMED for a name that is no plain folder name */
export function agentFolder(dataDir: string, name: string): AgentFolder {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(name)) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `an agent's name is 1 to 63 of A-Z a-z 0-9 . _ -: ${name}`);
  }
  return folderAt(join(dataDir, "agents", name), name);
}

export function folderAt(path: string, name: string): AgentFolder {
  return {
    name,
    path,
    facts: join(path, "agent.json"),
    accountKey: join(path, "account.key.json"),
    signingKey: join(path, "signing.key.json"),
    zkKey: join(path, "zk.key.json"),
    journal: join(path, "journal.db"),
  };
}

/** @throws AffiantError ERR_NOT_FOUND_AGENT, ERR_INPUT_FILE */
export async function readAgentFacts(dataDir: string, name: string): Promise<AgentFacts> {
  const folder = agentFolder(dataDir, name);
  let text: string;
  try {
    text = await readFile(folder.facts, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") {
      throw new AffiantError("ERR_INPUT_FILE", `${folder.facts} cannot be read`, { cause });
    }
    throw new AffiantError("ERR_NOT_FOUND_AGENT", `there is no agent ${name} in ${join(dataDir, "agents")}`, {
      cause,
      hint: `Create it: affiant agent create ${name}`,
    });
  }
  return parseFacts(text, folder.facts);
}

/** The names of all agents in a data folder, sorted. None if there is no such folder. */
export async function listAgents(dataDir: string): Promise<readonly AgentFacts[]> {
  const names = await readdir(join(dataDir, "agents")).catch(() => []);
  const found: AgentFacts[] = [];
  for (const name of names.filter((name) => !name.startsWith(".")).sort()) {
    try {
      found.push(await readAgentFacts(dataDir, name));
    } catch (error) {
      if (!isAffiantError(error, "ERR_NOT_FOUND_AGENT") && !isAffiantError(error, "ERR_INPUT_MALFORMED")) throw error;
    }
  }
  return found;
}

function parseFacts(text: string, path: string): AgentFacts {
  try {
    const facts = JSON.parse(text) as AgentFacts;
    const { address, chainId } = parseEthrDid(facts.did);
    parseKeyDid(facts.signingKey);
    if (facts.format === "affiant-agent/1" && address === facts.address && chainId === BigInt(facts.chainId))
      return facts;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} does not describe an agent`, { cause });
  }
  throw new AffiantError("ERR_INPUT_FILE", `${path} contradicts itself`);
}

export function agentFactsOf(name: string, chainId: number, address: string, signingKey: KeyDid): AgentFacts {
  const did = formatEthrDid(BigInt(chainId), address);
  return { format: "affiant-agent/1", name, chainId, address, did, signingKey };
}
