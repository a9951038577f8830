import type { Eip1193 } from "./chainRpc.ts";
import { DeployProvider } from "./deployProvider.ts";
import { runModule, type RoleHolders } from "./runModule.ts";
import { SentTransactions } from "./sentTransactions.ts";
import { TransactionNames } from "./transactionNames.ts";
import type { Artifact } from "./artifacts.ts";

export interface PlannedTransaction {
  readonly what: string;
  readonly gas: bigint;
  /** The gas limit it will carry, all of which the account must be able to pay. */
  readonly gasLimit: bigint;
}

export interface DeploymentCost {
  /** Those still to be sent. */
  readonly transactions: readonly PlannedTransaction[];
  readonly gas: bigint;
  /** Wei a gas at the newest block. */
  readonly baseFee: bigint;
  readonly priorityFee: bigint;
  /** What it costs if fees stay as they are, wei. */
  readonly expectedWei: bigint;
  /** What the account must hold: twice the base fee, for every transaction's whole gas limit. */
  readonly neededWei: bigint;
  readonly balanceWei: bigint;
}

export interface EstimateOptions {
  /** The chain that will be deployed to. */
  readonly rpc: Eip1193;
  /** An empty chain in memory that knows hardhat's or anvil's commands; it is used up. */
  readonly scratch: Eip1193;
  readonly chainId: bigint;
  readonly deployer: string;
  readonly artifacts: ReadonlyMap<string, Artifact>;
  readonly artifactsDir?: string | undefined;
  readonly holders?: RoleHolders | undefined;
  /** What an earlier run has signed. */
  readonly sent: SentTransactions;
}

const ether = 10n ** 18n;

/**
 * What the deployment will cost, found by doing all of it on a scratch chain, with the account's own address and nonce, so
 * that addresses and with them calldata are the same. A revert shows here, before anything is spent.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN as `runModule`
 */
export async function estimateCost(options: EstimateOptions): Promise<DeploymentCost> {
  const { rpc, deployer, sent } = options;
  const ask = async (method: string, ...params: readonly unknown[]): Promise<unknown> =>
    await rpc.request({ method, params });
  const mined = Number(await ask("eth_getTransactionCount", deployer, "latest"));
  const firstNonce = sent.nonces()[0] ?? mined;
  const all = await tryOut(options, firstNonce);
  const transactions = all.slice(mined - firstNonce);
  const gas = transactions.reduce((sum, transaction) => sum + transaction.gas, 0n);
  const gasLimit = transactions.reduce((sum, transaction) => sum + transaction.gasLimit, 0n);
  const block = (await ask("eth_getBlockByNumber", "latest", false)) as { baseFeePerGas?: string };
  const baseFee = BigInt(block.baseFeePerGas ?? ((await ask("eth_gasPrice")) as string));
  const priorityFee = BigInt((await ask("eth_maxPriorityFeePerGas").catch(() => "0x3b9aca00")) as string);
  return {
    transactions,
    gas,
    baseFee,
    priorityFee,
    expectedWei: gas * (baseFee + priorityFee),
    neededWei: gasLimit * (2n * baseFee + priorityFee),
    balanceWei: BigInt((await ask("eth_getBalance", deployer, "latest")) as string),
  };
}

async function tryOut(options: EstimateOptions, firstNonce: number): Promise<readonly PlannedTransaction[]> {
  const { scratch, chainId, deployer, artifacts, artifactsDir, holders } = options;
  await scratch.request({ method: "hardhat_impersonateAccount", params: [deployer] });
  await scratch.request({ method: "hardhat_setBalance", params: [deployer, `0x${(1_000_000n * ether).toString(16)}`] });
  if (firstNonce > 0) {
    await scratch.request({ method: "hardhat_setNonce", params: [deployer, `0x${firstNonce.toString(16)}`] });
  }
  const names = new TransactionNames(artifacts);
  const planned: { what: string; hash: string; gasLimit: bigint }[] = [];
  const sent = new SentTransactions();
  const provider = new DeployProvider({
    rpc: scratch,
    chainId,
    account: { address: deployer },
    sent,
    pollMs: 5,
    onSent: (request, hash) => void planned.push({ what: names.nameOf(request), hash, gasLimit: BigInt(request.gas) }),
  });
  await runModule({ provider, deployer, sent, artifacts, artifactsDir, holders, pollMs: 5, feeBumpAfterMs: 600_000 });
  return await Promise.all(
    planned.map(async ({ what, hash, gasLimit }) => {
      const receipt = await scratch.request({ method: "eth_getTransactionReceipt", params: [hash] });
      return { what, gasLimit, gas: BigInt((receipt as { gasUsed: string }).gasUsed) };
    }),
  );
}
