import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { type Anvil, startAnvil } from "./anvil.ts";
import { loadState, saveState } from "./stateFile.ts";

export interface LocalChainOptions {
  /** Folder of the chain's files. */
  readonly dir: string;
  readonly port: number;
  readonly chainId: number;
  /** Accounts that get ether on a new chain. */
  readonly funded: readonly string[];
  /** Pause between blocks while there is something to mine. */
  readonly blockTimeMs: number;
  /** Blocks mined at that pace after one with transactions, so that those become final soon. */
  readonly trailingBlocks: number;
  /** Pause between blocks when nothing happens. Each block costs memory and disk for good, so this one is long. */
  readonly idleBlockTimeMs: number;
}

const fundsWei = 10_000n * 10n ** 18n;
const pollMs = 100;

/**
 * A chain of one machine that survives its processes. It mines by itself, and saves the state after every block before
 * it mines the next. So a crash loses one block at most, the newest: whoever builds on `safe` (one block deep, as one
 * should on a public chain) never refers to a block that the chain forgets.
 */
export class LocalChain {
  readonly #options: LocalChainOptions;
  readonly #anvil: Anvil;
  #closing = false;
  #trailing = 0;
  #minedAt = Date.now();

  private constructor(options: LocalChainOptions, anvil: Anvil) {
    this.#options = options;
    this.#anvil = anvil;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_CHAIN, ERR_INPUT_FILE for a damaged state */
  static async open(options: LocalChainOptions): Promise<LocalChain> {
    const { dir, port, chainId } = options;
    const state = await loadState(statePathIn(dir));
    const loadPath = join(dir, "state.json");
    if (state) await writeFile(loadPath, state, { mode: 0o600 });
    const pidPath = join(dir, "anvil.pid");
    const anvil = await startAnvil({ port, chainId, pidPath, ...(state ? { statePath: loadPath } : {}) });
    await rm(loadPath, { force: true });
    const chain = new LocalChain(options, anvil);
    if (!state) {
      for (const address of options.funded) await anvil.rpc("anvil_setBalance", address, `0x${fundsWei.toString(16)}`);
    }
    // The tags `safe` and `finalized` need blocks, and states of blocks, beneath the newest one.
    for (let block = 0; block < 3; block++) await chain.#mine();
    return chain;
  }

  get url(): string {
    return this.#anvil.url;
  }

  async blockNumber(): Promise<number> {
    return Number(await this.#anvil.rpc("eth_blockNumber"));
  }

  /** Mines until it is closed. Ends early if anvil does. */
  async run(): Promise<"closed" | "gone"> {
    let gone = false;
    void this.#anvil.exited.then(() => (gone = true));
    while (!this.#closing && !gone) {
      try {
        await sleep((await this.#step()) ? this.#options.blockTimeMs : pollMs);
      } catch (error) {
        // A connection breaks a moment before its process is known to be gone.
        await Promise.race([this.#anvil.exited, sleep(2_000)]);
        if (!gone && !this.#closing) throw error;
      }
    }
    await this.#anvil.stop();
    return this.#closing ? "closed" : "gone";
  }

  /** Lets {@link run} come to its end: the block in hand is saved, then anvil is stopped. */
  close(): void {
    this.#closing = true;
  }

  /** @returns whether there was a reason to mine */
  async #step(): Promise<boolean> {
    const { pending } = (await this.#anvil.rpc("txpool_status")) as { pending: Hex };
    const idle = Number(pending) === 0 && this.#trailing === 0;
    if (idle && Date.now() - this.#minedAt < this.#options.idleBlockTimeMs) return false;
    await this.#mine();
    return true;
  }

  async #mine(): Promise<void> {
    await this.#anvil.rpc("evm_mine");
    this.#minedAt = Date.now();
    // Asked of the block, not of the pool: a transaction may have come in between the two.
    const count = Number(await this.#anvil.rpc("eth_getBlockTransactionCountByNumber", "latest"));
    this.#trailing = count > 0 ? this.#options.trailingBlocks : Math.max(0, this.#trailing - 1);
    await saveState(statePathIn(this.#options.dir), (await this.#anvil.rpc("anvil_dumpState")) as Hex);
  }
}

/** Where the chain of a folder is kept. Absent until its first block. */
export function statePathIn(dir: string): string {
  return join(dir, "state.json.gz");
}
