import { readFile } from "node:fs/promises";

import type { Agent } from "./agent.ts";
import { readEndpoints } from "./endpoints.ts";
import { createAgentKeys } from "./keys/keystore.ts";
import type { OpenAgentOptions } from "./openAgent.ts";
import { loadPolicyBundle } from "./policy/loadBundle.ts";
import { parseDeployment } from "../protocol/deployment.ts";
import { AffiantError, isAffiantError } from "../protocol/errors/affiantError.ts";
import type { PolicyBundle } from "../protocol/policy/types.ts";

/** What `openAgent` takes, without what the data folder says. */
export interface FromDataDirOptions extends Partial<Omit<OpenAgentOptions, "name">> {
  /** Default: `data`, where `npm start` keeps its things. */
  readonly dataDir?: string;
  /** A policy folder, or a bundle: in force when this resolves. Default: what the agent has committed to. */
  readonly policy?: string | PolicyBundle;
}

/**
 * Opens an agent of a data folder, ready to act: where relayer, chain and contracts are is in the folder's `endpoints.json`, keys are
 * made at the first time, the agent is registered and its policy is in force.
 * @throws AffiantError ERR_INPUT_CONFIG where no system is known, ERR_INPUT_POLICY, ERR_INPUT_FILE, and as `openAgent`, `register` and
 * `commitPolicy`
 */
export async function openFromDataDir(
  open: (options: OpenAgentOptions) => Promise<Agent>,
  name: string,
  { policy, dataDir = "data", ...given }: FromDataDirOptions,
): Promise<Agent> {
  const endpoints = readEndpoints(dataDir);
  const relayerUrl = given.relayerUrl ?? endpoints.relayerUrl;
  const rpcUrl = given.rpcUrl ?? endpoints.rpcUrl;
  const deployment = given.deployment ?? (await readDeployment(endpoints.deploymentPath));
  if (relayerUrl === undefined || rpcUrl === undefined || deployment === undefined) {
    throw new AffiantError(
      "ERR_INPUT_CONFIG",
      `${dataDir}/endpoints.json does not say where relayer, chain and contracts are`,
      {
        hint: "npm start brings everything up and leaves it there. Otherwise give relayerUrl, rpcUrl and deployment.",
      },
    );
  }
  // Read before anything is made: a policy that is not valid leaves no agent behind.
  const bundle = typeof policy === "string" ? await loadPolicyBundle(policy) : policy;
  const { passphrase } = given;
  const keys = { dataDir, name, chainId: deployment.chainId, ...(passphrase === undefined ? {} : { passphrase }) };
  await createAgentKeys(keys).catch((error: unknown) => {
    if (!isAffiantError(error, "ERR_CONFLICT_AGENT_EXISTS")) throw error;
  });
  const agent = await open({ ...given, dataDir, name, relayerUrl, rpcUrl, deployment });
  try {
    await agent.register();
    if (bundle) await agent.commitPolicy(bundle);
    return agent;
  } catch (error) {
    agent.close();
    throw error;
  }
}

async function readDeployment(path: string | undefined) {
  if (path === undefined) return undefined;
  try {
    return parseDeployment(await readFile(path, "utf8"));
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read`, { cause });
  }
}
