import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import type { HeadTracker } from "../chain/head.ts";
import type { Log } from "../log/log.ts";
import { assertAgrees } from "../log/openLog.ts";
import type { Database } from "../store/database.ts";
import type { StoredAnchor } from "../store/treeStore.ts";
import type { AnchorReader } from "./anchorReader.ts";

export type AnchorListener = (anchor: StoredAnchor) => void;

/** Anchors that are on the chain and not, or not so, in the store; they belong on top of the stored one of size `base`. */
interface Found {
  readonly base: number;
  /** Ascending by size. */
  readonly anchors: readonly StoredAnchor[];
}

/**
 * Keeps the copy of the chain's anchors true. The chain is asked, never assumed: stored anchors that it no longer has
 * (a reorg) are dropped, which demotes their receipts; new ones are taken over whoever sent them.
 *
 * An anchor that `advance` made has no record that could be read by index. Its event has it, and names the block of the
 * one before: from the latest root the follower walks back, block by block, until it meets what it knows.
 */
export class AnchorFollower {
  readonly #reader: AnchorReader;
  readonly #log: Log;
  readonly #database: Database;
  readonly #heads: Pick<HeadTracker, "head" | "generation">;
  readonly #confirmations: number;
  readonly #listeners: AnchorListener[] = [];
  /** Of the chain's blocks when the stored anchors were last held to it; undefined before the first time. */
  #generation: number | undefined;

  constructor(
    reader: AnchorReader,
    log: Log,
    database: Database,
    heads: Pick<HeadTracker, "head" | "generation">,
    confirmations: number,
  ) {
    this.#reader = reader;
    this.#log = log;
    this.#database = database;
    this.#heads = heads;
    this.#confirmations = confirmations;
  }

  onAnchor(listener: AnchorListener): void {
    this.#listeners.push(listener);
  }

  /**
   * @throws AffiantError ERR_CONFLICT_LOG_FORK if the chain has an anchor that the log does not agree with
   */
  async follow(): Promise<void> {
    const { generation } = this.#heads;
    // After a reorg a known latest root does not vouch for those before it: they may stand in other blocks now.
    const trusting = generation === this.#generation;
    const latest = await this.#reader.latest();
    const found = latest ? await this.#walkBack(latest.anchor, trusting) : { base: 0, anchors: [] };
    const fresh = this.#take(found);
    await this.#followRecords(latest?.records ?? 0, trusting);
    this.#generation = generation;
    for (const { size } of fresh) {
      const anchor = this.#log.store.anchorOf(size);
      if (anchor) for (const listener of this.#listeners) listener(anchor);
    }
  }

  async #walkBack(latest: StoredAnchor, trusting: boolean): Promise<Found> {
    const { store } = this.#log;
    const isKnown = (anchor: StoredAnchor) => {
      const stored = store.anchorOf(anchor.size);
      return stored !== undefined && same(stored, anchor) && (trusting || this.#isDeep(anchor.blockNumber));
    };
    if (isKnown(latest)) return { base: latest.size, anchors: [] };
    const anchors: StoredAnchor[] = [];
    let events = await this.#reader.anchoredIn(latest.blockNumber);
    // An endpoint that keeps no events, or moved on meanwhile: the state alone is true as well, and knows the latest.
    if (!events.some(({ anchor }) => same(anchor, latest))) return this.#fromState(latest);
    while (events.length > 0) {
      for (const { anchor } of events.toReversed()) {
        if (isKnown(anchor)) return { base: anchor.size, anchors };
        assertAgrees(this.#log.tree, anchor, `the anchor of ${anchor.size} entries on chain`);
        anchors.unshift(anchor);
      }
      events = await this.#reader.anchoredIn(events[0]?.previousBlockNumber ?? 0);
    }
    return { base: 0, anchors }; // the block of the registration
  }

  #fromState(latest: StoredAnchor): Found {
    assertAgrees(this.#log.tree, latest, "the latest anchor on chain");
    return { base: this.#log.store.anchorBelow(latest.size)?.size ?? 0, anchors: [latest] };
  }

  /** @returns those that are new, or stand elsewhere than before */
  #take({ base, anchors }: Found): readonly StoredAnchor[] {
    const { store } = this.#log;
    if (anchors.length === 0 && (store.lastAnchor()?.size ?? 0) === base) return [];
    const fresh = anchors.filter((anchor) => {
      const stored = store.anchorOf(anchor.size);
      return !stored || !same(stored, anchor);
    });
    this.#database.transaction("anchor.put", () => {
      const records = new Map(anchors.map(({ size }) => [size, store.anchorOf(size)?.record ?? null]));
      store.dropAnchorsAbove(base);
      for (const anchor of anchors) store.putAnchor({ ...anchor, record: records.get(anchor.size) ?? null });
    });
    return fresh;
  }

  /** Which anchors the contract keeps as records: written with them by `anchor`, or later by anyone's `keep`. */
  async #followRecords(count: number, trusting: boolean): Promise<void> {
    const { store } = this.#log;
    const gone: StoredAnchor[] = [];
    let next = 0;
    let at = store.recordBelow(Number.MAX_SAFE_INTEGER);
    if (trusting && (at?.record ?? -1) + 1 === count) return;
    for (; at; at = store.recordBelow(at.record ?? 0)) {
      const index = at.record ?? 0;
      if (index < count && same(at, await this.#reader.record(index))) {
        if (next === 0) next = index + 1;
        if (trusting || this.#isDeep(at.blockNumber)) break;
      } else {
        gone.push(at);
        next = 0; // what was kept after it is read again
      }
    }
    if (gone.length === 0 && next === count) return;
    const fresh: StoredAnchor[] = [];
    for (let index = next; index < count; index++) fresh.push(await this.#reader.record(index));
    this.#database.transaction("anchor.put", () => {
      for (const { size } of gone) store.setRecord(size, null);
      for (const anchor of fresh) this.#putRecord(anchor);
    });
  }

  #putRecord(anchor: StoredAnchor): void {
    const { store } = this.#log;
    if (store.anchorOf(anchor.size)) return store.setRecord(anchor.size, anchor.record);
    assertAgrees(this.#log.tree, anchor, `anchor ${anchor.record} on chain`);
    store.putAnchor(anchor);
  }

  #isDeep(blockNumber: number): boolean {
    return (this.#heads.head?.number ?? 0) - blockNumber + 1 >= this.#confirmations;
  }
}

function same(a: StoredAnchor, b: StoredAnchor): boolean {
  return a.size === b.size && a.blockNumber === b.blockNumber && bytesEqual(a.root, b.root);
}
