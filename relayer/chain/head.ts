import { type Blocks, withoutWatch } from "../../host/watch/blockWaiter.ts";
import type { Rpc } from "./rpc.ts";

export interface Block {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestampSec: number;
  readonly baseFeePerGas: bigint;
}

/** What listeners learn: a new head, and whether blocks that were seen before are gone. */
export interface HeadChange {
  readonly head: Block;
  readonly reorg: boolean;
}

export type HeadListener = (change: HeadChange) => void | Promise<void>;

/** Where the host's watch tells of blocks: a head that stands still is asked for again after so long, to know that it does. */
const longestWaitMs = 5_000;

/** How many block hashes are remembered; an older reorg shows as unknown blocks, which are simply asked for again. */
const remembered = 8_192;

/**
 * Follows the chain's head by polling (filters die with the node's memory) and remembers which hash each recent block
 * number has. When the last head it saw is no longer in the chain, everything remembered is forgotten and `reorg` is
 * told to the listeners.
 */
export class HeadTracker {
  readonly #rpc: Rpc;
  readonly #hashes = new Map<number, string>();
  readonly #listeners: HeadListener[] = [];
  #head: Block | undefined;
  #seenAtMs = 0;
  #polling: Promise<Block> | undefined;
  readonly #stopping = new AbortController();
  /** Grows with each reorg: what was cached under an older generation is void. */
  #generation = 0;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  get head(): Block | undefined {
    return this.#head;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Milliseconds since the chain last answered; Infinity before the first answer. */
  ageMs(): number {
    return this.#seenAtMs === 0 ? Infinity : Date.now() - this.#seenAtMs;
  }

  onHead(listener: HeadListener): void {
    this.#listeners.push(listener);
  }

  /** Polls until stopped. A failed poll is tried again; `ageMs` shows how long none succeeded. */
  start(intervalMs: number, blocks: Blocks = withoutWatch): void {
    const tick = async () => {
      while (!this.#stopping.signal.aborted) {
        await this.poll().catch(() => undefined);
        await blocks.next(intervalMs, longestWaitMs, this.#stopping.signal);
      }
    };
    void tick();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#polling?.catch(() => undefined);
  }

  /**
   * Asks for the head now. Concurrent calls share one poll.
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN
   */
  poll(): Promise<Block> {
    this.#polling ??= this.#poll().finally(() => (this.#polling = undefined));
    return this.#polling;
  }

  /**
   * Hash of a block, from memory or the chain; undefined if the chain has no such block.
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN
   */
  async hashOf(number: number): Promise<string | undefined> {
    return this.#hashes.get(number) ?? (await this.readHash(number));
  }

  /**
   * The same from the chain alone, for what is decided for good: endpoints that disagree may have put another branch's
   * hash into memory.
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN
   */
  async readHash(number: number): Promise<string | undefined> {
    const generation = this.#generation;
    const block = await fetchBlock(this.#rpc, `0x${number.toString(16)}`);
    if (block && generation === this.#generation && this.#isVouchedFor(block)) this.#remember(block);
    return block?.hash;
  }

  async #poll(): Promise<Block> {
    const block = await fetchBlock(this.#rpc, "latest");
    if (!block) throw new Error("the chain has no head");
    this.#seenAtMs = Date.now();
    const before = this.#head;
    if (before?.hash === block.hash) return before;
    const reorg = before !== undefined && !(await this.#stillThere(before, block));
    if (reorg) {
      this.#hashes.clear();
      this.#generation++;
    }
    this.#remember(block);
    this.#head = block;
    for (const listener of this.#listeners) await listener({ head: block, reorg });
    return block;
  }

  async #stillThere(before: Block, head: Block): Promise<boolean> {
    if (head.number <= before.number) return false;
    if (head.parentHash === before.hash) return true;
    const again = await fetchBlock(this.#rpc, `0x${before.number.toString(16)}`);
    return again?.hash === before.hash;
  }

  /** A reorg shows by the head that it takes away: one of a block above the head would go unseen. */
  #isVouchedFor({ number }: Block): boolean {
    return this.#head !== undefined && number <= this.#head.number;
  }

  #remember(block: Block): void {
    this.#hashes.set(block.number, block.hash);
    if (this.#hashes.size > remembered) {
      const oldest = this.#hashes.keys().next().value;
      if (oldest !== undefined) this.#hashes.delete(oldest);
    }
  }
}

export async function fetchBlock(rpc: Rpc, tag: string): Promise<Block | undefined> {
  const raw = (await rpc.call("eth_getBlockByNumber", [tag, false])) as Record<string, string> | null;
  if (!raw) return undefined;
  return {
    number: Number(raw["number"]),
    hash: String(raw["hash"]),
    parentHash: String(raw["parentHash"]),
    timestampSec: Number(raw["timestamp"]),
    baseFeePerGas: BigInt(raw["baseFeePerGas"] ?? 0),
  };
}
