import { BaseWallet, type Provider, type Signer } from "ethers";

import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { deployedArtifactNames, readArtifacts } from "./artifacts.ts";
import type { Eip1193 } from "./chainRpc.ts";
import { assertKeysAllowed } from "./circuitKeys.ts";
import type { DeployerAccount } from "./deployerAccount.ts";
import { DeployProvider } from "./deployProvider.ts";
import { describeDeployment } from "./describeDeployment.ts";
import { deploymentOnChain } from "./onChain.ts";
import { type RoleHolders, runModule } from "./runModule.ts";
import { SentTransactions } from "./sentTransactions.ts";

export interface DeployOptions {
  /** A deployment known from before. If its code is on this chain it is returned as it is and nothing is sent. */
  readonly previous?: Deployment | undefined;
  readonly artifactsDir?: string;
  /** Folder of the circuits' keys: a ceremony's export. Without it the development keys, for local chains only. */
  readonly circuitKeysDir?: string;
  /** Who holds the roles; the deployer unless given. */
  readonly holders?: RoleHolders;
  /** Told after each transaction is handed over how many there were, for people. */
  readonly onSent?: (count: number) => void;
}

/** How often a local chain is looked at; such a chain mines at once. */
const localPollMs = 10;

/**
 * Puts the contracts of DESIGN.md §10 on a chain of one machine, by the module that also deploys to public chains
 * (`ignition/modules/affiant.ts`, `deployToNetwork.ts`), without its questions about cost and without a journal.
 *
 * A crash half-way leaves contracts that nothing names; the next run deploys a whole set again. A local chain may forget
 * its newest block in that same crash, so that a journal would tell of transactions that never were.
 *
 * @throws AffiantError ERR_INPUT_FILE if the contracts are not compiled, ERR_CONFLICT_CHAIN if `previous` is of another
 *   chain, ERR_INPUT_KEY_* if a circuit's key may not be used there, ERR_UNAVAILABLE_CHAIN if a transaction is not mined
 *   as it should be
 */
export async function deployContracts(signer: Signer, options: DeployOptions = {}): Promise<Deployment> {
  const rpc = rpcOf(signer.provider);
  const { previous, artifactsDir, circuitKeysDir, holders, onSent } = options;
  if (previous && (await deploymentOnChain(rpc, previous)) === "present") return previous;

  const artifacts = await readArtifacts(deployedArtifactNames, artifactsDir);
  const chainId = BigInt((await rpc.request({ method: "eth_chainId" })) as string);
  await assertKeysAllowed(chainId, artifacts, circuitKeysDir);
  const account = await accountOf(signer);
  const sent = new SentTransactions();
  const provider = new DeployProvider({
    rpc,
    chainId,
    account,
    sent,
    pollMs: localPollMs,
    onSent: () => onSent?.(sent.all.length),
  });
  const deployer = account.address;
  const addresses = await runModule({
    provider,
    deployer,
    sent,
    artifacts,
    artifactsDir,
    holders,
    pollMs: localPollMs,
    feeBumpAfterMs: 600_000,
  });
  return await describeDeployment({ rpc, chainId, deployer, sent, artifacts, circuitKeysDir, addresses });
}

/** Wallets sign here. Other signers are accounts of a test chain, which signs for them. */
async function accountOf(signer: Signer): Promise<DeployerAccount> {
  const address = await signer.getAddress();
  return signer instanceof BaseWallet ? { address, sign: (asked) => signer.signTransaction(asked) } : { address };
}

/** Every provider of ethers and of Hardhat that speaks to a node has `send`; it is not part of the interface. */
function rpcOf(provider: Provider | null): Eip1193 {
  const node = provider as { send?: (method: string, params: readonly unknown[]) => Promise<unknown> } | null;
  if (!node?.send) {
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the deployer's account is not connected to a chain");
  }
  const { send } = node;
  return { request: async ({ method, params = [] }) => await send.call(node, method, params as readonly unknown[]) };
}
