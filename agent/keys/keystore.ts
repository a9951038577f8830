import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { makeFolder } from "../../host/files/makeFolder.ts";
import { computeAddress, SigningKey as AccountSigningKey, Wallet } from "ethers";

import { type AgentFacts, agentFactsOf, agentFolder, folderAt, readAgentFacts } from "./agentFolder.ts";
import { readKeyFile, writeKeyFile } from "./keyFile.ts";
import { syncFolder } from "./secretFile.ts";
import { newSigningSeed, SigningKey } from "./signingKey.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface CreateAgentKeysOptions {
  readonly dataDir: string;
  readonly name: string;
  readonly chainId: number;
  /** Encrypts both keys. Without one the file modes alone protect them. */
  readonly passphrase?: string;
  /** scrypt's N, for tests that create many. */
  readonly cost?: number;
}

/** An agent's unlocked keys. */
export interface AgentKeys {
  readonly facts: AgentFacts;
  /** Signs EIP-712 requests. It holds no ether and sends no transaction. */
  readonly account: Wallet;
  readonly signing: SigningKey;
}

/**
 * Makes an agent's folder with two fresh keys. The folder appears under its name in one step, so a crash leaves either
 * a whole agent or none.
 * @throws AffiantError ERR_CONFLICT_AGENT_EXISTS, ERR_INPUT_MALFORMED for the name, ERR_INPUT_CONFIG if the folder cannot be written
 */
export async function createAgentKeys(options: CreateAgentKeysOptions): Promise<AgentFacts> {
  const { dataDir, name, chainId, passphrase, cost } = options;
  const folder = agentFolder(dataDir, name);
  const parent = dirname(folder.path);
  const draft = await makeDraft(parent, name);
  try {
    const accountSecret = Wallet.createRandom().privateKey;
    const seed = newSigningSeed();
    const facts = agentFactsOf(name, chainId, computeAddress(accountSecret), new SigningKey(seed).did);
    const files = folderAt(draft, name);
    await writeKeyFile(files.accountKey, Buffer.from(accountSecret.slice(2), "hex"), {
      passphrase,
      cost,
      address: facts.address,
    });
    await writeKeyFile(files.signingKey, seed, { passphrase, cost });
    await writeFile(files.facts, `${JSON.stringify(facts, null, 2)}\n`, { flush: true });
    await rename(draft, folder.path).catch((cause: unknown) => throwExists(name, cause));
    await syncFolder(parent);
    return facts;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Unlocks an agent's keys and checks that they are the ones that `agent.json` names.
 * @throws AffiantError ERR_NOT_FOUND_AGENT, ERR_AUTH_PASSPHRASE, ERR_AUTH_FILE_MODE, ERR_INPUT_FILE
 */
export async function openAgentKeys(dataDir: string, name: string, passphrase?: string): Promise<AgentKeys> {
  const facts = await readAgentFacts(dataDir, name);
  const folder = agentFolder(dataDir, name);
  const [accountSecret, seed] = await Promise.all([
    readKeyFile(folder.accountKey, passphrase),
    readKeyFile(folder.signingKey, passphrase),
  ]);
  const account = new Wallet(new AccountSigningKey(toHex(accountSecret)));
  const signing = new SigningKey(seed);
  if (account.address !== facts.address || signing.did !== facts.signingKey) {
    throw new AffiantError("ERR_INPUT_FILE", `the keys in ${folder.path} are not those that agent.json names`, {
      hint: "The folder was put together from parts of several agents. Restore it from one backup.",
    });
  }
  return { facts, account, signing };
}

async function makeDraft(parent: string, name: string): Promise<string> {
  try {
    makeFolder(parent);
    return await mkdtemp(join(parent, `.${name}-`));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_CONFIG", `the folder ${parent} cannot be written`, {
      cause,
      hint: "Give another data folder with --data or AFFIANT_DATA_DIR.",
    });
  }
}

function throwExists(name: string, cause: unknown): never {
  const { code } = cause as NodeJS.ErrnoException;
  // A folder is never renamed onto one that holds something.
  if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "EPERM" && code !== "ENOTDIR") throw cause;
  throw new AffiantError("ERR_CONFLICT_AGENT_EXISTS", `there is an agent ${name} already`, {
    cause,
    hint: `See it: affiant agent show ${name}. Its keys are never overwritten.`,
  });
}
