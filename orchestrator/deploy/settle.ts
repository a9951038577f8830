import { setTimeout as sleep } from "node:timers/promises";

import type { Eip1193 } from "./chainRpc.ts";
import type { DeployProvider } from "./deployProvider.ts";
import type { SentTransaction, SentTransactions } from "./sentTransactions.ts";

/** A transaction as it stands on the chain. */
export interface MinedTransaction {
  readonly nonce: number;
  readonly hash: string;
  readonly blockNumber: number;
  readonly gasUsed: bigint;
  /** Wei a gas that was paid. */
  readonly effectiveGasPrice: bigint;
}

export interface SettleOptions {
  readonly rpc: Eip1193;
  readonly provider: DeployProvider;
  readonly sent: SentTransactions;
  readonly account: string;
  /** Blocks, the newest transaction's own among them. */
  readonly confirmations: number;
  readonly pollMs: number;
  /** Told at each look how many confirmations the newest transaction has; 0 = something is not mined. */
  readonly onWait?: ((confirmations: number) => void) | undefined;
}

/**
 * Waits until every transaction lies as deep as asked, and sends again what a reorganisation throws out meanwhile. Ignition
 * looks at each of its transactions once; this looks at all of them, until they stay.
 * @returns in the order of their nonces
 */
export async function settle(options: SettleOptions): Promise<readonly MinedTransaction[]> {
  const { rpc, provider, sent, account, confirmations, pollMs, onWait } = options;
  for (;;) {
    // The head is read first: a receipt that is found afterwards is at least as deep as it seems.
    const head = Number(await rpc.request({ method: "eth_blockNumber" }));
    const count = Number(await rpc.request({ method: "eth_getTransactionCount", params: [account, "latest"] }));
    const found = await Promise.all(sent.nonces().map((nonce) => minedAmong(rpc, sent.withNonce(nonce))));
    // A nonce below the count without a receipt was used by something else, of which Ignition knows.
    const missing = sent.nonces().filter((nonce) => nonce >= count);
    const mined = found.filter((transaction) => transaction !== undefined);
    const newest = Math.max(...mined.map(({ blockNumber }) => blockNumber));
    const depth = missing.length > 0 ? 0 : Math.max(0, head - newest + 1);
    if (depth >= confirmations) return mined;
    onWait?.(depth);
    if (missing.length > 0) await provider.heal();
    await sleep(pollMs);
  }
}

async function minedAmong(rpc: Eip1193, rivals: readonly SentTransaction[]): Promise<MinedTransaction | undefined> {
  for (const { hash, nonce } of rivals) {
    const receipt = (await rpc.request({ method: "eth_getTransactionReceipt", params: [hash] })) as {
      blockNumber: string;
      gasUsed: string;
      effectiveGasPrice: string;
    } | null;
    if (!receipt) continue;
    return {
      nonce,
      hash,
      blockNumber: Number(receipt.blockNumber),
      gasUsed: BigInt(receipt.gasUsed),
      effectiveGasPrice: BigInt(receipt.effectiveGasPrice),
    };
  }
  return undefined;
}
