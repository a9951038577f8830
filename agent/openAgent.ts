import { Agent, type AgentSettings } from "./agent.ts";
import { LogAnchorReader } from "./chain/logAnchorReader.ts";
import { Registries } from "./chain/registries.ts";
import { Rpc } from "./chain/rpc.ts";
import { Journal } from "./journal/journal.ts";
import { agentFolder } from "./keys/agentFolder.ts";
import { openAgentKeys } from "./keys/keystore.ts";
import { openZkKey } from "./keys/zkKey.ts";
import { type FromDataDirOptions, openFromDataDir } from "./openFromDataDir.ts";
import { checkLogIdentity } from "./relayer/logIdentity.ts";
import { type AskContract, OperatorStatements } from "./relayer/operatorStatements.ts";
import { Outbox } from "./relayer/outbox.ts";
import { RelayerClient } from "./relayer/relayerClient.ts";
import type { RetryPolicy } from "./relayer/retry.ts";
import { CheckpointReader } from "./relayer/verifyReceipt.ts";
import type { Deployment } from "../protocol/deployment.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";

export interface OpenAgentOptions {
  /** The agent's folder is `<dataDir>/agents/<name>/`. */
  readonly dataDir: string;
  readonly name: string;
  readonly relayerUrl: string;
  /** Secret of a ticket of the relayer's operator, where it asks newcomers for one; used by the first call. */
  readonly admissionTicket?: string | undefined;
  /** Of the relayer's operator, where that is who runs the agent too: then anchors can be asked for. */
  readonly operatorToken?: string | undefined;
  /** One JSON-RPC endpoint of the deployment's chain. */
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** Needed if the keys are encrypted. */
  readonly passphrase?: string;
  readonly settings?: Partial<AgentSettings>;
  readonly retry?: Partial<RetryPolicy>;
  /** Also leaves payloads with the relayer, for readers the agent allows (`grantDisclosures`). Default: they stay here. */
  readonly leaveDisclosures?: boolean;
}

/** Blocks of a development chain are only made when there is a transaction, and never reorganised. */
const developmentChains = [31337, 1337];

/**
 * Opens an agent that `createAgentKeys` made. Nothing is sent yet. Several processes may have the same agent open.
 * @throws AffiantError ERR_NOT_FOUND_AGENT, ERR_AUTH_PASSPHRASE, ERR_AUTH_FILE_MODE, ERR_CONFLICT_AGENT_CHAIN,
 * ERR_UNAVAILABLE_JOURNAL, ERR_INPUT_FILE
 */
export async function openAgent(options: OpenAgentOptions): Promise<Agent> {
  const { dataDir, name, deployment, passphrase, retry, leaveDisclosures = false } = options;
  const { admissionTicket, operatorToken } = options;
  const keys = await openAgentKeys(dataDir, name, passphrase);
  if (keys.facts.chainId !== deployment.chainId) {
    throw new AffiantError(
      "ERR_CONFLICT_AGENT_CHAIN",
      `the agent ${name} belongs to chain ${keys.facts.chainId}, the deployment is on chain ${deployment.chainId}`,
      { hint: `Make another agent for this chain: affiant agent create NAME` },
    );
  }
  const relayer = new RelayerClient({ url: options.relayerUrl, retry, admissionTicket, operatorToken });
  const rpc = new Rpc({ url: options.rpcUrl, chainId: deployment.chainId, retry });
  const journal = new Journal(agentFolder(dataDir, name).journal);
  const zkKey = once(() => openZkKey(agentFolder(dataDir, name).zkKey, { passphrase }));
  const checkpoints = once(() => openCheckpoints(relayer, rpc, deployment));
  return new Agent({
    keys,
    zkKey,
    deployment,
    journal,
    relayer,
    rpc,
    registries: new Registries(rpc, deployment),
    folder: agentFolder(dataDir, name).path,
    outbox: new Outbox({ journal, relayer, checkpoints, retry, leaveDisclosures }),
    settings: {
      notBeforeDepth: developmentChains.includes(deployment.chainId) ? 0 : 2,
      mineTimeoutMs: 180_000,
      standingMaxAgeMs: 1000,
      nowSec: () => Math.floor(Date.now() / 1000),
      ...options.settings,
    },
  });
}

/** {@link openFromDataDir} */
openAgent.fromDataDir = (name: string, options: FromDataDirOptions = {}): Promise<Agent> =>
  openFromDataDir(openAgent, name, options);

/** Learns which log the relayer writes to, and holds that to the chain. */
async function openCheckpoints(relayer: RelayerClient, rpc: Rpc, deployment: Deployment): Promise<CheckpointReader> {
  const info = await relayer.log();
  const logAnchor = new LogAnchorReader(rpc, deployment);
  const log = checkLogIdentity(info, await logAnchor.logOf(info.logId));
  const keys = (await logAnchor.termsOf(log.logId)).map((term) => ({
    chainId: BigInt(deployment.chainId),
    logAnchor: deployment.contracts.logAnchor.address,
    ...term,
  }));
  const askContract: AskContract = (account, digest, signature) => logAnchor.isSignedBy(account, digest, signature);
  return new CheckpointReader(log, new OperatorStatements(log.origin, keys, askContract));
}

/** Runs a question once; again after it failed, or where a new answer is wanted. */
function once<T>(ask: () => Promise<T>): (anew?: boolean) => Promise<T> {
  let answer: Promise<T> | undefined;
  return (anew = false) => {
    if (anew) answer = undefined;
    return (answer ??= ask().catch((error: unknown) => {
      answer = undefined;
      throw error;
    }));
  };
}
