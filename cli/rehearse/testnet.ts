import { setTimeout as sleep } from "node:timers/promises";

import type { Anvil } from "../../orchestrator/chain/anvil.ts";

export interface TestnetOptions {
  readonly anvil: Pick<Anvil, "rpc">;
  readonly blockTimeMs: number;
  /** Every so many blocks the newest ones are thrown out; 0 = never. */
  readonly reorgEvery: number;
}

/** What happened on the chain, for the report. */
export interface TestnetEvents {
  /** Depths, in their order. */
  readonly reorgs: readonly number[];
  /** Transactions that were mined and then were not. */
  readonly takenBack: number;
  readonly lowestBaseFee: bigint;
  readonly highestBaseFee: bigint;
}

const highestWei = 60_000_000_000n;
const lowestWei = 1_000_000_000n;

/**
 * Makes a development chain behave like a public one: a block every so often, a base fee that rises and falls by an
 * eighth a block (EIP-1559's own limit) between about 1 and 60 gwei, and reorganisations one to three blocks deep, after
 * which every other time the transactions wait to be mined again, and else are known to nobody but to who sent them.
 */
export class Testnet {
  readonly #options: TestnetOptions;
  readonly #reorgs: number[] = [];
  #takenBack = 0;
  #lowest = highestWei;
  #highest = lowestWei;
  #baseFee = 10_000_000_000n;
  #rising = true;
  #blocks = 0;
  readonly #stopped = new AbortController();

  constructor(options: TestnetOptions) {
    this.#options = options;
  }

  get events(): TestnetEvents {
    return {
      reorgs: [...this.#reorgs],
      takenBack: this.#takenBack,
      lowestBaseFee: this.#lowest,
      highestBaseFee: this.#highest,
    };
  }

  /** Until {@link stop}. @throws AffiantError ERR_UNAVAILABLE_CHAIN if anvil is gone before */
  async run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.next();
      await sleep(this.#options.blockTimeMs, undefined, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** One more block, and a reorganisation if it is time for one. */
  async next(): Promise<void> {
    const { anvil, reorgEvery } = this.#options;
    this.#baseFee = this.#rising ? (this.#baseFee * 9n) / 8n : (this.#baseFee * 7n) / 8n;
    if (this.#baseFee > highestWei) this.#rising = false;
    if (this.#baseFee < lowestWei) this.#rising = true;
    if (this.#baseFee < this.#lowest) this.#lowest = this.#baseFee;
    if (this.#baseFee > this.#highest) this.#highest = this.#baseFee;
    await anvil.rpc("anvil_setNextBlockBaseFeePerGas", `0x${this.#baseFee.toString(16)}`);
    await anvil.rpc("evm_mine");
    this.#blocks++;
    if (reorgEvery > 0 && this.#blocks % reorgEvery === 0) await this.#reorganise(1 + (this.#reorgs.length % 3));
  }

  /** The newest blocks are replaced by empty ones. */
  async #reorganise(depth: number): Promise<void> {
    const { anvil } = this.#options;
    const head = Number(await anvil.rpc("eth_blockNumber"));
    if (head <= depth) return;
    const takenBack: string[] = [];
    for (let block = head - depth + 1; block <= head; block++) {
      const quantity = `0x${block.toString(16)}`;
      const count = Number(await anvil.rpc("eth_getBlockTransactionCountByNumber", quantity));
      for (let index = 0; index < count; index++) {
        const at = `0x${index.toString(16)}`;
        takenBack.push(String(await anvil.rpc("eth_getRawTransactionByBlockNumberAndIndex", quantity, at)));
      }
    }
    await anvil.rpc("anvil_reorg", depth, []);
    this.#reorgs.push(depth);
    this.#takenBack += takenBack.length;
    if (this.#reorgs.length % 2 === 0) return;
    // Where the sender was faster, or has replaced it, there is nothing to put back.
    for (const raw of takenBack) await anvil.rpc("eth_sendRawTransaction", raw).catch(() => undefined);
  }
}
