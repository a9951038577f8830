import { setTimeout as sleep } from "node:timers/promises";

import type { TransactionReceipt, TransactionResponse } from "ethers";

/**
 * Waits until a transaction is mined. ethers' own `wait` asks when it hears of another block: here, where a block is mined
 * only when there is something to mine, the transaction's own may pass between its two questions, and no other one comes.
 * @throws Error if it was mined and reverted
 */
export async function mined(sending: Promise<TransactionResponse>): Promise<TransactionReceipt> {
  const { hash, provider } = await sending;
  for (;;) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt?.status === 0) throw new Error(`${hash} was mined and reverted`);
    if (receipt) return receipt;
    await sleep(20);
  }
}
