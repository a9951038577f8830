import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { formatEther } from "ethers";

import { type DeployedLengths, lengthsAt } from "../../protocol/attestation/schedule.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { localChainIds } from "../../protocol/zk/keyGate.ts";
import { tryOwnFolder } from "../process/folderLock.ts";
import { deployedArtifactNames, readArtifacts } from "./artifacts.ts";
import { assertOwnBlockNumbers } from "./blockNumbers.ts";
import { measureBlockSec } from "./blockTime.ts";
import type { Eip1193 } from "./chainRpc.ts";
import { assertKeysAllowed } from "./circuitKeys.ts";
import type { DeployerAccount } from "./deployerAccount.ts";
import { readDeploymentFile, writeDeploymentFile } from "./deploymentFile.ts";
import { DeployProvider } from "./deployProvider.ts";
import { describeDeployment } from "./describeDeployment.ts";
import { type DeploymentCost, estimateCost } from "./estimateCost.ts";
import { assertChainId, deploymentOnChain } from "./onChain.ts";
import { type RoleHolders, runModule } from "./runModule.ts";
import { SentTransactions } from "./sentTransactions.ts";
import { type MinedTransaction, settle } from "./settle.ts";
import { TransactionNames } from "./transactionNames.ts";

export interface NetworkDeployOptions {
  /** As people call it; and the id that its chain must have. */
  readonly network: string;
  readonly chainId: bigint;
  readonly rpc: Eip1193;
  readonly account: DeployerAccount;
  /** An empty chain in memory, to try everything out on (`estimateCost`). */
  readonly scratch: Eip1193;
  /** `deployments/`: here `<chainId>.json` is written. */
  readonly deploymentsDir: string;
  /** `ignition/deployments/`: here the journal is kept, in `chain-<chainId>/`. */
  readonly journalsDir: string;
  readonly artifactsDir?: string | undefined;
  readonly circuitKeysDir?: string | undefined;
  readonly holders?: RoleHolders | undefined;
  /** Blocks until the deployment counts as done. */
  readonly confirmations: number;
  readonly pollMs: number;
  readonly feeBumpAfterMs: number;
  readonly maxFeePerGasLimit?: bigint | undefined;
  /** Seconds a block, where the chain's own clock is not to be asked. */
  readonly blockSec?: number | undefined;
  /** Asked before anything is spent. False ends it without a trace. */
  readonly confirm: (cost: DeploymentCost, pace: DeploymentPace) => Promise<boolean>;
  readonly onSent?: (what: string, hash: string) => void;
  readonly onWait?: (confirmations: number) => void;
}

/** Seconds a block, and the delays that follow from it, in blocks. */
export interface DeploymentPace {
  readonly blockSec: number;
  readonly lengths: DeployedLengths;
}

export interface SettledTransaction extends MinedTransaction {
  readonly what: string;
}

export interface NetworkDeployed {
  readonly deployment: Deployment;
  readonly path: string;
  /** The whole deployment's, those of earlier runs among them; none if it was complete already. */
  readonly transactions: readonly SettledTransaction[];
}

/** In the journal's folder. */
const paceFile = "pace.json";

/** Seconds between the announcement of an upgrade and its earliest effect, outside local chains, unless told otherwise. */
export const defaultUpgraderDelaySec = 2 * 24 * 3600;

/**
 * Deploys to a named network and writes `deployments/<chainId>.json`. Whatever interrupts it, the same call goes on from
 * there: what was signed is on disk before it is sent, and Ignition's journal says what is done. A second call after the
 * end sends nothing.
 *
 * @returns undefined if `confirm` said no
 * @throws AffiantError ERR_CONFLICT_CHAIN if the endpoint's chain is not the network's, does not count its own blocks, or
 *   does not hold what the file names; ERR_INPUT_KEY_* for keys that may not be used there; ERR_INPUT_FUNDS; ERR_CONFLICT_RUNNING; ERR_UNAVAILABLE_CHAIN
 */
export async function deployToNetwork(options: NetworkDeployOptions): Promise<NetworkDeployed | undefined> {
  const { network, rpc, chainId, artifactsDir, circuitKeysDir } = options;
  await assertChainId(rpc, chainId, network);
  const path = join(options.deploymentsDir, `${chainId}.json`);
  const previous = await readDeploymentFile(path);
  if (previous) {
    await assertPresent(rpc, previous, path);
    return { deployment: previous, path, transactions: [] };
  }
  await assertOwnBlockNumbers(rpc, network);
  const artifacts = await readArtifacts(deployedArtifactNames, artifactsDir);
  await assertKeysAllowed(chainId, artifacts, circuitKeysDir);

  const journalDir = join(options.journalsDir, `chain-${chainId}`);
  await mkdir(journalDir, { recursive: true });
  const lock = tryOwnFolder(journalDir);
  if (!lock) throw new AffiantError("ERR_CONFLICT_RUNNING", `another process is deploying from ${journalDir}`);
  try {
    const sent = new SentTransactions(join(journalDir, "signed.jsonl"));
    const holders = withDefaults(options.holders, chainId);
    const { address: deployer } = options.account;
    const pace = await paceOf(options, journalDir);
    const { lengths } = pace;
    const cost = await estimateCost({ ...options, artifacts, deployer, holders, lengths, sent });
    assertAffordable(cost, deployer);
    if (!(await options.confirm(cost, pace))) return undefined;
    await keepPace(pace, journalDir);

    const names = new TransactionNames(artifacts);
    const { onSent, pollMs } = options;
    const provider = new DeployProvider({
      ...options,
      sent,
      onSent: (request, hash) => onSent?.(names.nameOf(request), hash),
    });
    const addresses = await runModule({
      ...options,
      provider,
      deployer,
      sent,
      artifacts,
      holders,
      lengths,
      journalDir,
    });
    const mined = await settle({ ...options, provider, sent, account: deployer, pollMs });
    const deployment = await describeDeployment({ ...options, rpc: provider, deployer, sent, artifacts, addresses });
    await writeDeploymentFile(path, deployment);
    return { deployment, path, transactions: await named(provider, mined, new TransactionNames(artifacts)) };
  } finally {
    lock.release();
  }
}

/** What an interrupted run has begun with counts: a pace measured anew would be another deployment. */
async function paceOf({ rpc, chainId, blockSec }: NetworkDeployOptions, journalDir: string): Promise<DeploymentPace> {
  const kept = await readFile(join(journalDir, paceFile), "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  const begun = kept === undefined ? undefined : (JSON.parse(kept) as { readonly blockSec: number }).blockSec;
  if (begun !== undefined && blockSec !== undefined && blockSec !== begun) {
    throw new AffiantError("ERR_CONFLICT_CHAIN", `this deployment was begun for a block every ${begun} seconds`, {
      hint: "Finish it so, or move its journal away",
    });
  }
  const found = begun ?? blockSec ?? (await measureBlockSec(rpc, chainId));
  return { blockSec: found, lengths: lengthsAt(found) };
}

async function keepPace({ blockSec }: DeploymentPace, journalDir: string): Promise<void> {
  await writeFile(join(journalDir, paceFile), `${JSON.stringify({ blockSec })}\n`);
}

async function assertPresent(rpc: Eip1193, previous: Deployment, path: string): Promise<void> {
  if ((await deploymentOnChain(rpc, previous)) === "present") return;
  throw new AffiantError("ERR_CONFLICT_CHAIN", `${path} names contracts of which this chain holds none`, {
    hint: "Look at another endpoint of that network. If the chain was begun anew, move the file and its journal away",
  });
}

function withDefaults(holders: RoleHolders = {}, chainId: bigint): RoleHolders {
  const upgraderDelaySec = holders.upgraderDelaySec ?? (localChainIds.includes(chainId) ? 0 : defaultUpgraderDelaySec);
  return { ...holders, upgraderDelaySec };
}

function assertAffordable({ balanceWei, neededWei }: DeploymentCost, deployer: string): void {
  if (balanceWei >= neededWei) return;
  throw new AffiantError("ERR_INPUT_FUNDS", `${deployer} holds ${formatEther(balanceWei)} ETH`, {
    details: { balanceWei: balanceWei.toString(), neededWei: neededWei.toString() },
    hint: `Send it ${formatEther(neededWei - balanceWei)} ETH more: fees may double on the way`,
  });
}

async function named(rpc: Eip1193, mined: readonly MinedTransaction[], names: TransactionNames) {
  const settled: SettledTransaction[] = [];
  for (const transaction of mined) {
    const method = "eth_getTransactionByHash";
    const found = (await rpc.request({ method, params: [transaction.hash] })) as {
      from: string;
      to: string | null;
      input: string;
      nonce: string;
    };
    const { from, to, input, nonce } = found;
    settled.push({ ...transaction, what: names.nameOf({ from, nonce, data: input, ...(to === null ? {} : { to }) }) });
  }
  return settled;
}
