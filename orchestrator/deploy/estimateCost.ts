import type { DeployedLengths } from "../../protocol/attestation/schedule.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
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
  readonly lengths?: DeployedLengths | undefined;
  /** What an earlier run has signed. */
  readonly sent: SentTransactions;
}

const ether = 10n ** 18n;

/**
 * What the deployment will cost. All of it is done on a scratch chain, with the account's own address and nonce, so that
 * addresses and with them calldata are the same: a revert shows here, before anything is spent. What it costs, the chain
 * itself says, since prices differ between chains and change with forks: it estimates every creation; what builds on
 * contracts that are not there yet is scaled from the scratch chain by the dearest of those.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN as `runModule`, and if the chain estimates nothing
 */
export async function estimateCost(options: EstimateOptions): Promise<DeploymentCost> {
  const { rpc, deployer, sent } = options;
  const ask = async (method: string, ...params: readonly unknown[]): Promise<unknown> =>
    await rpc.request({ method, params });
  const mined = Number(await ask("eth_getTransactionCount", deployer, "latest"));
  const firstNonce = sent.nonces()[0] ?? mined;
  const all = await tryOut(options, firstNonce);
  const transactions = await priced(rpc, deployer, all.slice(mined - firstNonce));
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

interface TriedTransaction extends PlannedTransaction {
  /** Absent where a contract is created. */
  readonly to?: string;
  readonly data: string;
}

/** @throws AffiantError ERR_UNAVAILABLE_CHAIN if the chain estimates not one of them */
async function priced(
  rpc: Eip1193,
  from: string,
  tried: readonly TriedTransaction[],
): Promise<readonly PlannedTransaction[]> {
  if (tried.length === 0) return [];
  const areAllThere = tried.every(({ to }) => to !== undefined);
  let silence: unknown;
  const estimates = await Promise.all(
    tried.map(async ({ to, data }) => {
      // A call goes to a contract of this deployment: while one is missing, a call may cost little and say nothing.
      if (to !== undefined && !areAllThere) return undefined;
      const params = [{ from, data, ...(to === undefined ? {} : { to }) }];
      const answer = await rpc
        .request({ method: "eth_estimateGas", params })
        .catch((error: unknown) => (silence = error));
      return typeof answer === "string" ? BigInt(answer) : undefined;
    }),
  );
  const perMille = tried.flatMap(({ gas }, i) => (estimates[i] === undefined ? [] : [(estimates[i] * 1000n) / gas]));
  if (perMille.length === 0) {
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the chain's endpoint estimates no transaction", {
      hint: "Without it nobody could say what the deployment costs there",
      cause: silence,
    });
  }
  const dearest = perMille.reduce((most, one) => (one > most ? one : most));
  return tried.map(({ what, gas, gasLimit }, i) => {
    const estimate = estimates[i];
    const scaled = (amount: bigint): bigint => (amount * dearest + 999n) / 1000n;
    return estimate === undefined
      ? { what, gas: scaled(gas), gasLimit: scaled(gasLimit) }
      : { what, gas: estimate, gasLimit: estimate > gasLimit ? estimate : gasLimit };
  });
}

async function tryOut(options: EstimateOptions, firstNonce: number): Promise<readonly TriedTransaction[]> {
  const { scratch, chainId, deployer, artifacts, artifactsDir, holders, lengths } = options;
  await scratch.request({ method: "hardhat_impersonateAccount", params: [deployer] });
  await scratch.request({ method: "hardhat_setBalance", params: [deployer, `0x${(1_000_000n * ether).toString(16)}`] });
  if (firstNonce > 0) {
    await scratch.request({ method: "hardhat_setNonce", params: [deployer, `0x${firstNonce.toString(16)}`] });
  }
  const names = new TransactionNames(artifacts);
  const planned: { what: string; hash: string; gasLimit: bigint; to?: string; data: string }[] = [];
  const sent = new SentTransactions();
  const provider = new DeployProvider({
    rpc: scratch,
    chainId,
    account: { address: deployer },
    sent,
    pollMs: 5,
    onSent: (request, hash) => {
      const { to, data = "0x", gas } = request;
      const place = to === undefined ? {} : { to };
      planned.push({ what: names.nameOf(request), hash, gasLimit: BigInt(gas), data, ...place });
    },
  });
  await runModule({
    provider,
    deployer,
    sent,
    artifacts,
    artifactsDir,
    holders,
    lengths,
    pollMs: 5,
    feeBumpAfterMs: 600_000,
  });
  return await Promise.all(
    planned.map(async ({ hash, ...transaction }) => {
      const receipt = await scratch.request({ method: "eth_getTransactionReceipt", params: [hash] });
      return { ...transaction, gas: BigInt((receipt as { gasUsed: string }).gasUsed) };
    }),
  );
}
