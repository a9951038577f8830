import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { type Anvil, startAnvil } from "./anvil.ts";
import { BlockJournal, newestBlock, replay } from "./blockJournal.ts";
import { type FrontDoor, openFrontDoor } from "./frontDoor.ts";
import { PendingWatch } from "./pendingWatch.ts";
import { loadState, saveState } from "./stateFile.ts";

export interface LocalChainOptions {
  /** Folder of the chain's files. */
  readonly dir: string;
  readonly port: number;
  readonly chainId: number;
  /** Accounts that get ether on a new chain. */
  readonly funded: readonly string[];
  /** Least pause between blocks while there is something to mine. */
  readonly blockTimeMs: number;
  /** Blocks mined at that pace after one with transactions, so that those become final soon. */
  readonly trailingBlocks: number;
  /** Pause between blocks when nothing happens. Each block costs memory and disk for good, so this one is long. */
  readonly idleBlockTimeMs: number;
  /** Told of each block as soon as it is on disk. */
  readonly onBlock?: (block: { readonly number: number; readonly hash: string }) => void;
}

const fundsWei = 10_000n * 10n ** 18n;
/** After so many blocks the whole state is saved, and the journal of blocks begins anew. */
const blocksPerSave = 128;
/**
 * A block takes a machine that is not busy a few milliseconds. Where it takes longer, everybody else is as slow, and deadlines
 * are counted in blocks: the pause grows with it, so that time on this chain passes with what the machine gets done.
 */
const pausePerMining = 25;
const longestPauseMs = 10_000;

/**
 * A chain of one machine that survives its processes. It mines by itself, and has each block on disk before it mines the
 * next. So a crash loses one block at most, the newest: whoever builds on `safe` (one block deep, as one should on a
 * public chain) never refers to a block that the chain forgets.
 */
export class LocalChain {
  readonly #options: LocalChainOptions;
  readonly #anvil: Anvil;
  readonly #door: FrontDoor;
  readonly #journal: BlockJournal;
  readonly #pending: PendingWatch;
  #closing = false;
  #trailing = 0;
  #minedAt = Date.now();
  #pauseMs: number;
  #unsaved = 0;

  private constructor(options: LocalChainOptions, anvil: Anvil, door: FrontDoor, journal: BlockJournal) {
    this.#options = options;
    this.#anvil = anvil;
    this.#door = door;
    this.#journal = journal;
    this.#pending = new PendingWatch(anvil.url);
    this.#pauseMs = options.blockTimeMs;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_CHAIN, ERR_INPUT_FILE for a damaged state */
  static async open(options: LocalChainOptions): Promise<LocalChain> {
    const { dir, port, chainId } = options;
    const state = await loadState(statePathIn(dir));
    const loadPath = join(dir, "state.json");
    if (state) await writeFile(loadPath, state, { mode: 0o600 });
    const pidPath = join(dir, "anvil.pid");
    // Where nobody looks for it: who is to reach it comes through the front door.
    const behind = await hiddenPlace();
    const anvil = await startAnvil({ ...behind, chainId, pidPath, ...(state ? { statePath: loadPath } : {}) });
    await rm(loadPath, { force: true });
    let door: FrontDoor | undefined;
    try {
      const journalPath = join(dir, "blocks.jsonl");
      if (state) await replay(anvil.rpc, journalPath);
      else {
        await rm(journalPath, { force: true });
        for (const address of options.funded) {
          await anvil.rpc("anvil_setBalance", address, `0x${fundsWei.toString(16)}`);
        }
      }
      door = await openFrontDoor(port, behind);
      const chain = new LocalChain(options, anvil, door, await BlockJournal.open(journalPath));
      // The tags `safe` and `finalized` need blocks, and states of blocks, beneath the newest one.
      for (let block = 0; block < 3; block++) await chain.#mine();
      // A line that a crash cut off must not stay before those that follow.
      await chain.#save();
      return chain;
    } catch (error) {
      await door?.close();
      await anvil.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#door.url;
  }

  /** For the process that keeps it: past the front door. */
  get anvilUrl(): string {
    return this.#anvil.url;
  }

  async blockNumber(): Promise<number> {
    return Number(await this.#anvil.rpc("eth_blockNumber"));
  }

  /** Mines until it is closed. Ends early if anvil does. */
  async run(): Promise<"closed" | "gone"> {
    let gone = false;
    void this.#anvil.exited.then(() => {
      gone = true;
      this.#pending.wake();
    });
    while (!this.#closing && !gone) {
      try {
        if (await this.#step()) await this.#pause();
        else await this.#pending.something(this.#minedAt + this.#options.idleBlockTimeMs - Date.now());
      } catch (error) {
        // A connection breaks a moment before its process is known to be gone.
        await Promise.race([this.#anvil.exited, sleep(2_000)]);
        if (!gone && !this.#closing) throw error;
      }
    }
    if (!gone) await this.#save().catch(() => undefined); // the journal has it as well
    this.#pending.close();
    await this.#door.close();
    await this.#anvil.stop();
    await this.#journal.close();
    return this.#closing ? "closed" : "gone";
  }

  /** Lets {@link run} come to its end: the state is saved, then anvil is stopped. */
  close(): void {
    this.#closing = true;
    this.#pending.wake();
  }

  /** @returns whether there was a reason to mine */
  async #step(): Promise<boolean> {
    const { pending } = (await this.#anvil.rpc("txpool_status")) as { pending: Hex };
    const idle = Number(pending) === 0 && this.#trailing === 0;
    if (idle && Date.now() - this.#minedAt < this.#options.idleBlockTimeMs) return false;
    const began = performance.now();
    await this.#mine();
    const took = performance.now() - began;
    this.#pauseMs = Math.min(longestPauseMs, Math.max(this.#options.blockTimeMs, took * pausePerMining));
    return true;
  }

  /** As long as the machine needs; ended early by the end alone. */
  async #pause(): Promise<void> {
    for (const until = Date.now() + this.#pauseMs; !this.#closing && Date.now() < until;) {
      await sleep(Math.min(200, until - Date.now()));
    }
  }

  async #mine(): Promise<void> {
    await this.#anvil.rpc("evm_mine");
    this.#minedAt = Date.now();
    // Asked of the block, not of the pool: a transaction may have come in between the two.
    const block = await newestBlock(this.#anvil.rpc);
    await this.#journal.add(block);
    this.#options.onBlock?.(block);
    const { trailingBlocks } = this.#options;
    this.#trailing = block.transactions.length > 0 ? trailingBlocks : Math.max(0, this.#trailing - 1);
    if (++this.#unsaved >= blocksPerSave) await this.#save();
  }

  async #save(): Promise<void> {
    await saveState(statePathIn(this.#options.dir), (await this.#anvil.rpc("anvil_dumpState")) as Hex);
    await this.#journal.clear();
    this.#unsaved = 0;
  }
}

/**
 * A free port, on Linux at an address of this machine that was drawn: a page that tries ports would have to try 16 million addresses
 * as well.
 */
async function hiddenPlace(): Promise<{ host: string; port: number }> {
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  const host = process.platform === "linux" ? `127.${a}.${b}.${Math.min(254, Math.max(1, c))}` : "127.0.0.1";
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return { host, port: typeof address === "object" && address !== null ? address.port : 0 };
}

/** Where the chain of a folder is kept. Absent until its first block. */
export function statePathIn(dir: string): string {
  return join(dir, "state.json.gz");
}
