import { type Chain } from "../chain/connectChain.ts";
import { type RelayerConfig } from "../config.ts";
import { type Journal } from "../journal/journal.ts";
import { Sender } from "./sender.ts";
import { type TransactionSigner } from "./signer.ts";

/** Transactions that may wait in the node's pool at once: pools hold few of one account (geth: 64 in a row). */
const maxInFlight = 16;

export function openSender(
  config: RelayerConfig,
  chainId: number,
  chain: Chain,
  journal: Journal,
  signer: TransactionSigner,
): Sender {
  return new Sender(journal, chain.rpc, chain.heads, signer, chain.abis, {
    chainId,
    confirmations: config.confirmations,
    bumpAfterBlocks: config.bumpAfterBlocks,
    gasLimitPerCall: config.gasLimitPerCall,
    feeCaps: { maxFeeWei: toWei(config.maxFeeGwei), maxPriorityFeeWei: toWei(config.maxPriorityFeeGwei) },
    maxInFlight,
  });
}

function toWei(gwei: number): bigint {
  return BigInt(Math.round(gwei * 1e9));
}
