import { formatEther, formatUnits, Interface, parseUnits } from "ethers";

import { table } from "../output.ts";
import type { JsonRpc } from "../../orchestrator/chain/jsonRpc.ts";
import { deployedArtifactNames, readArtifacts } from "../../orchestrator/deploy/artifacts.ts";
import { TransactionNames } from "../../orchestrator/deploy/transactionNames.ts";
import type { Deployment } from "../../protocol/deployment.ts";

export interface ChainTransaction {
  readonly block: number;
  readonly hash: string;
  /** In words, where somebody knows the account. */
  readonly by: string;
  readonly what: string;
  readonly gas: bigint;
  readonly paidWei: bigint;
  readonly succeeded: boolean;
}

interface RawBlock {
  readonly transactions: readonly { from: string; to: string | null; input: string; nonce: string; hash: string }[];
}

/** Every transaction that is on the chain, in its order. @param accounts names by address */
export async function transactionsOn(
  rpc: JsonRpc,
  deployment: Deployment,
  artifactsDir: string,
  accounts: Readonly<Record<string, string>>,
): Promise<readonly ChainTransaction[]> {
  const artifacts = await readArtifacts(deployedArtifactNames, artifactsDir);
  const creations = new TransactionNames(artifacts);
  const contracts = new Map(
    Object.entries(deployment.contracts).map(([name, { address }]) => {
      const artifact = artifacts.get(`${name.charAt(0).toUpperCase()}${name.slice(1)}`);
      return [address.toLowerCase(), { name, abi: new Interface(artifact?.abi ?? []) }];
    }),
  );
  const names = new Map(Object.entries(accounts).map(([address, name]) => [address.toLowerCase(), name]));
  const found: ChainTransaction[] = [];
  const head = Number(await rpc("eth_blockNumber"));
  for (let block = 0; block <= head; block++) {
    const { transactions } = (await rpc("eth_getBlockByNumber", `0x${block.toString(16)}`, true)) as RawBlock;
    for (const { from, to, input, nonce, hash } of transactions) {
      const called = to === null ? undefined : contracts.get(to.toLowerCase());
      const what =
        to === null
          ? `${creations.nameOf({ from, data: input, nonce })}: deployed`
          : `${called?.name ?? to}.${called?.abi.parseTransaction({ data: input })?.name ?? input.slice(0, 10)}`;
      const receipt = (await rpc("eth_getTransactionReceipt", hash)) as Record<string, string>;
      const gas = BigInt(receipt["gasUsed"] ?? 0);
      const paidWei = gas * BigInt(receipt["effectiveGasPrice"] ?? 0);
      const by = names.get(from.toLowerCase()) ?? from;
      found.push({ block, hash, by, what, gas, paidWei, succeeded: receipt["status"] === "0x1" });
    }
  }
  return found;
}

export function costsInWords(transactions: readonly ChainTransaction[], gasPriceGwei: number): string[] {
  const price = parseUnits(`${gasPriceGwei}`, "gwei");
  const rows = transactions.map(({ block, hash, by, what, gas, paidWei, succeeded }) => [
    `${block}`,
    `${hash.slice(0, 10)}…`,
    by,
    succeeded ? what : `${what} REVERTED`,
    `${gas}`,
    formatUnits(gas === 0n ? 0n : paidWei / gas, "gwei").slice(0, 7),
    formatEther(gas * price),
  ]);
  const by = [...new Set(transactions.map((transaction) => transaction.by))];
  const sums = by.map((name) =>
    sumInWords(
      name,
      transactions.filter((one) => one.by === name),
      price,
      gasPriceGwei,
    ),
  );
  const total = by.length > 1 ? [sumInWords("together", transactions, price, gasPriceGwei)] : [];
  const columns = ["block", "hash", "by", "transaction", "gas", "gwei paid", `ETH at ${gasPriceGwei} gwei`];
  return [...table(columns, rows), "", ...sums, ...total];
}

function sumInWords(who: string, of: readonly ChainTransaction[], price: bigint, gasPriceGwei: number): string {
  const gas = of.reduce((sum, transaction) => sum + transaction.gas, 0n);
  const paid = of.reduce((sum, transaction) => sum + transaction.paidWei, 0n);
  const stated = `${formatEther(gas * price)} ETH at ${gasPriceGwei} gwei`;
  return `${who}: ${of.length} transactions, ${gas} gas: ${stated}; ${formatEther(paid)} ETH at the fees of this run`;
}

export function inJson(transactions: readonly ChainTransaction[]): string {
  const decimal = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value);
  return `${JSON.stringify(transactions, decimal, 2)}\n`;
}
