import { setTimeout as sleep } from "node:timers/promises";

import type { JsonRpcProvider } from "ethers";

/** Blocks as they were seen, by one who asks the node every few milliseconds. */
export class BlockWatch {
  /** Block number → when it was seen and how many transactions it holds. */
  readonly blocks = new Map<number, { readonly seenAtMs: number; readonly transactions: number }>();
  readonly #provider: JsonRpcProvider;
  readonly #onTransactions: (count: number) => void;
  readonly #running: Promise<void>;
  #stopped = false;

  /** @param onTransactions told how many transactions each new block holds */
  constructor(provider: JsonRpcProvider, onTransactions: (count: number) => void) {
    this.#provider = provider;
    this.#onTransactions = onTransactions;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let next = Number(await this.#provider.send("eth_blockNumber", [])) + 1;
    while (!this.#stopped) {
      const head = Number(await this.#provider.send("eth_blockNumber", []));
      const seenAtMs = performance.now();
      for (; next <= head; next++) {
        const count = await this.#provider.send("eth_getBlockTransactionCountByNumber", [`0x${next.toString(16)}`]);
        this.blocks.set(next, { seenAtMs, transactions: Number(count) });
        this.#onTransactions(Number(count));
      }
      await sleep(20);
    }
  }
}
