import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { FollowedContract } from "../events/contracts.ts";
import type { RawEvent } from "../events/event.ts";
import { EventReader } from "../events/reader.ts";
import { fold } from "../fold/fold.ts";
import { projections, projectionVersions } from "../projections/all.ts";
import type { BlockRow, ChainState, DirectoryStore } from "../store/store.ts";
import { findAncestor } from "./ancestor.ts";
import type { SeenBlock } from "./endpoint.ts";
import { type ChainSource, unavailable } from "./source.ts";

/** So near the head every block is kept and linked to the one before; what is older is asked for in ranges. */
const windowBlocks = 64;
/** What one answer should hold, about: ranges grow and shrink towards it. */
const wantedLogs = 4_000;
const widestRange = 100_000;

export interface FollowerOptions {
  readonly chainId: number;
  readonly store: DirectoryStore;
  readonly source: ChainSource;
  readonly contracts: readonly FollowedContract[];
  /**
   * Called where nothing that is kept is of the chain any more, or it is older than what can be undone: restores a snapshot of
   * the chain as it is now, if there is one. @returns whether it did
   */
  readonly fallBack?: () => Promise<boolean>;
}

/** `advanced`: there may be more at once. `undone`: blocks were taken back. `idle`: all is as the chain has it. */
export type Step = "advanced" | "undone" | "idle";

/**
 * Follows one chain into a store, one step at a time: each step leaves the store as the chain was at some block, whatever happens
 * between steps or in the midst of one.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #reader: EventReader;
  readonly #addresses: readonly Hex[];
  readonly #firstBlock: number;
  #width = 1_000;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#reader = new EventReader(options.contracts);
    this.#addresses = options.contracts.map(({ address }) => address);
    this.#firstBlock = Math.max(0, Math.min(...options.contracts.map(({ fromBlock }) => fromBlock)));
  }

  /** Steps until there is nothing left to do. @returns the newest block */
  async catchUp(signal?: AbortSignal): Promise<BlockRow | undefined> {
    while (signal?.aborted !== true && (await this.step()) !== "idle");
    return (await this.#options.store.state(this.#options.chainId))?.position;
  }

  /**
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN: nothing was changed; ask again.
   * ERR_CONFLICT_FINALITY if the endpoints take back what they all called final: nothing is changed, and a person must look
   */
  async step(): Promise<Step> {
    const { store, source, chainId } = this.#options;
    const heads = await source.heads();
    let state = await store.state(chainId);
    if (state && state.versions !== projectionVersions) {
      await this.#foldAnew(state);
      return "advanced";
    }
    if (state && !(await this.#holds(state, heads.latest))) {
      await this.#undo(state);
      return "undone";
    }
    const from = state ? state.position.number + 1 : this.#firstBlock;
    const advanced = from <= heads.latest.number;
    if (advanced) {
      const isFar = heads.latest.number - from >= windowBlocks;
      await (isFar
        ? this.#takeRange(from, heads.latest.number - windowBlocks, state)
        : this.#takeBlocks(from, heads.latest, state));
    }
    state = await store.state(chainId);
    if (state) await this.#confirm(state, heads.safe, heads.finalized);
    return advanced ? "advanced" : "idle";
  }

  /** Whether the newest block that was taken over is still of the chain. A shorter chain is a slow endpoint until it differs. */
  async #holds({ position }: ChainState, latest: BlockRow): Promise<boolean> {
    const { store, source, chainId } = this.#options;
    const at = Math.min(position.number, latest.number);
    const kept = at === position.number ? position : await store.blockAtOrBefore(chainId, at);
    if (!kept) return false;
    const found = await source.block(kept.number);
    if (!found && kept.number <= latest.number) throw unavailable("the endpoint lacks a block before its newest");
    return found?.hash === kept.hash;
  }

  async #undo(state: ChainState): Promise<void> {
    const { store, source, chainId, fallBack } = this.#options;
    const ancestor = await findAncestor(store, source, chainId, state);
    if ((ancestor ?? -1) < (state.finalizedNumber ?? -1)) {
      throw new AffiantError("ERR_CONFLICT_FINALITY", "the endpoints tell another chain than they called final", {
        hint: "Nothing was taken back. If the chain was started afresh, remove the directory's store.",
        details: { finalizedNumber: state.finalizedNumber },
      });
    }
    if (ancestor !== undefined && ancestor >= state.floor) return store.undo(chainId, ancestor);
    if ((await fallBack?.()) !== true) await store.reset(chainId);
  }

  async #takeRange(from: number, last: number, state: ChainState | undefined): Promise<void> {
    const { source } = this.#options;
    const to = Math.min(last, from + this.#width - 1);
    const [events, end] = await Promise.all([source.logs(this.#addresses, from, to), source.block(to)]);
    if (!end) throw unavailable("the endpoint lacks a block before its newest");
    const numbers = [...new Set(events.map(({ blockNumber }) => blockNumber))].filter((number) => number !== to);
    // The end and the beginning once more: the chain did not change while it was read.
    const [again, before, ...found] = await Promise.all([
      source.block(to),
      state ? source.block(state.position.number) : undefined,
      ...numbers.map((number) => source.block(number)),
    ]);
    if (again?.hash !== end.hash || before?.hash !== state?.position.hash) throw unavailable("the chain moved");
    await this.#commit([...found.filter((block) => block !== undefined), end], events);
    const share = wantedLogs / Math.max(events.length, wantedLogs / 4);
    this.#width = Math.min(widestRange, Math.max(1, Math.round(Math.min(this.#width, to - from + 1) * share)));
  }

  async #takeBlocks(from: number, latest: BlockRow, state: ChainState | undefined): Promise<void> {
    const { source } = this.#options;
    const numbers = Array.from({ length: latest.number - from + 1 }, (_, i) => from + i);
    const blocks: SeenBlock[] = [];
    let parent = state?.position.hash;
    for (const block of await Promise.all(numbers.map((number) => source.block(number)))) {
      // What is not linked came from another chain than what was read before: the next step sees to it.
      if (!block || (parent !== undefined && block.parentHash !== parent)) break;
      blocks.push(block);
      parent = block.hash;
    }
    if (blocks.length === 0) throw unavailable("the chain moved");
    const logs = await Promise.all(blocks.map((block) => source.logsOf(this.#addresses, block)));
    await this.#commit(blocks, logs.flat());
  }

  async #commit(blocks: readonly BlockRow[], events: readonly RawEvent[]): Promise<void> {
    const { store, chainId } = this.#options;
    const hashes = new Map(blocks.map(({ number, hash }) => [number, hash]));
    for (const { blockNumber, blockHash } of events) {
      if (hashes.get(blockNumber) !== blockHash) throw unavailable("logs and blocks are of different chains");
    }
    const rows = await this.#fold(events);
    const ordered = blocks.toSorted((a, b) => a.number - b.number);
    await store.commit(chainId, { blocks: ordered, events, rows, versions: projectionVersions });
  }

  #fold(events: readonly RawEvent[]) {
    const { store, chainId } = this.#options;
    const read = events.map((event) => this.#reader.read(event));
    return fold(projections, read, (refs) => store.rows(chainId, refs, Number.MAX_SAFE_INTEGER));
  }

  /** The rows were made by other projections than these: they are made again, of the events that are kept. */
  async #foldAnew(state: ChainState): Promise<void> {
    const { store, chainId, fallBack } = this.#options;
    if (state.floor > 0) {
      // What came before the snapshot is not kept here.
      if ((await fallBack?.()) !== true) await store.reset(chainId);
      return;
    }
    await refold(store, chainId, this.#reader, state);
  }

  /** Finality goes as far as the store does, and never back. */
  async #confirm(
    { position, safeNumber, finalizedNumber }: ChainState,
    safe?: BlockRow,
    finalized?: BlockRow,
  ): Promise<void> {
    const { store, source, chainId } = this.#options;
    const reached = (tag: BlockRow | undefined) => tag && Math.min(tag.number, position.number);
    const [nextSafe, nextFinal] = [reached(safe), reached(finalized)];
    const isNews = (nextSafe ?? -1) > (safeNumber ?? -1) || (nextFinal ?? -1) > (finalizedNumber ?? -1);
    if (!isNews) return;
    // The blocks that were named are of the chain that is in the store.
    const kept = await store.blockAtOrBefore(chainId, nextFinal ?? nextSafe ?? 0);
    if (kept && (await source.block(kept.number))?.hash !== kept.hash) return;
    await store.setFinality(chainId, nextSafe, nextFinal);
  }
}

/** Folds all kept events of a chain from the beginning, in place of the rows that are there. */
export async function refold(
  store: DirectoryStore,
  chainId: number,
  reader: EventReader,
  { position, safeNumber, finalizedNumber }: ChainState,
): Promise<void> {
  const blocks = await allBlocks(store, chainId);
  const pages: RawEvent[][] = [];
  for await (const page of store.events(chainId, 0, position.number)) pages.push([...page]);
  await store.reset(chainId);
  let at = 0;
  for (const [i, page] of pages.entries()) {
    // A page may end within a block: its blocks go with it up to the last one that is whole.
    const isLast = i === pages.length - 1;
    const end = isLast ? Infinity : (page.at(-1) as RawEvent).blockNumber;
    const whole = page.filter(({ blockNumber }) => blockNumber < end);
    if (!isLast) pages[i + 1]?.unshift(...page.slice(whole.length));
    const from = at;
    while (at < blocks.length && (blocks[at] as BlockRow).number < end) at++;
    if (at === from) continue;
    const events = whole.map((event) => reader.read(event));
    const rows = await fold(projections, events, (refs) => store.rows(chainId, refs, Number.MAX_SAFE_INTEGER));
    await store.commit(chainId, { blocks: blocks.slice(from, at), events: whole, rows, versions: projectionVersions });
  }
  if (at < blocks.length) {
    await store.commit(chainId, { blocks: blocks.slice(at), events: [], rows: [], versions: projectionVersions });
  }
  await store.setFinality(chainId, safeNumber, finalizedNumber);
}

async function allBlocks(store: DirectoryStore, chainId: number): Promise<BlockRow[]> {
  const blocks: BlockRow[] = [];
  for (let below = Number.MAX_SAFE_INTEGER; ;) {
    const page = await store.blockNumbers(chainId, below, 1_000);
    for (const { number } of page) {
      const block = await store.blockAtOrBefore(chainId, number);
      if (block) blocks.push(block);
    }
    const last = page.at(-1);
    if (!last) return blocks.reverse();
    below = last.number;
  }
}
