import type { Agent } from "../agent/agent.ts";
import { openAgent } from "../agent/openAgent.ts";
import { type Environment, requireDeployment, requireRelayerUrl, requireRpcUrl } from "./environment.ts";

/**
 * Opens an agent of the data folder for the time of a command.
 * @throws AffiantError as `openAgent`; ERR_INPUT_CONFIG if relayer, chain or deployment is not known
 */
export async function withAgent<T>(
  environment: Environment,
  name: string,
  work: (agent: Agent) => Promise<T>,
): Promise<T> {
  const { dataDir, passphrase, circuitKeysDir, admissionTicket, operatorToken } = environment;
  const relayerUrl = requireRelayerUrl(environment);
  const rpcUrl = requireRpcUrl(environment);
  const deployment = requireDeployment(environment);
  const agent = await openAgent({
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
  try {
    return await work(agent);
  } finally {
    agent.close();
  }
}
