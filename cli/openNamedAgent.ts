import type { Agent } from "../agent/agent.ts";
import { openAgent } from "../agent/openAgent.ts";
import { type Environment, requireDeployment, requireRelayerUrl, requireRpcUrl } from "./environment.ts";

/**
 * Opens an agent of the data folder, with all that the environment says: every command does it here.
 * @throws AffiantError as `openAgent`; ERR_INPUT_CONFIG if relayer, chain or deployment is not known
 */
export async function openNamedAgent(environment: Environment, name: string): Promise<Agent> {
  const { dataDir, passphrase, circuitKeysDir, admissionTicket, operatorToken } = environment;
  const relayerUrl = requireRelayerUrl(environment);
  const rpcUrl = requireRpcUrl(environment);
  const deployment = requireDeployment(environment);
  return openAgent({
    dataDir,
    name,
    passphrase,
    relayerUrl,
    rpcUrl,
    deployment,
    admissionTicket,
    operatorToken,
    settings: { circuitKeysDir },
  });
}

/** {@link openNamedAgent} for the time of some work. */
export async function withAgent<T>(
  environment: Environment,
  name: string,
  work: (agent: Agent) => Promise<T>,
): Promise<T> {
  const agent = await openNamedAgent(environment, name);
  try {
    return await work(agent);
  } finally {
    agent.close();
  }
}
