import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { type Log } from "../log/log.ts";
import { assertAgrees } from "../log/openLog.ts";
import { type Database } from "../store/database.ts";
import { type StoredAnchor } from "../store/treeStore.ts";
import { type AnchorReader } from "./anchorReader.ts";

export type AnchorListener = (anchor: StoredAnchor) => void;

/**
 * Keeps the copy of the chain's anchors true. The chain is asked, never assumed: stored anchors that it no longer has
 * (a reorg) are dropped, which demotes their receipts; new ones are taken over whoever sent them.
 */
export class AnchorFollower {
  readonly #reader: AnchorReader;
  readonly #log: Log;
  readonly #database: Database;
  readonly #listeners: AnchorListener[] = [];

  constructor(reader: AnchorReader, log: Log, database: Database) {
    this.#reader = reader;
    this.#log = log;
    this.#database = database;
  }

  onAnchor(listener: AnchorListener): void {
    this.#listeners.push(listener);
  }

  /**
   * @throws AffiantError ERR_CONFLICT_LOG_FORK if the chain has an anchor that the log does not agree with
   */
  async follow(): Promise<void> {
    const count = await this.#reader.count();
    const known = await this.#dropVanished(count);
    for (let index = known; index < count; index++) {
      const anchor = await this.#reader.at(index);
      assertAgrees(this.#log.tree, anchor, `anchor ${index} on chain`);
      const complete = { ...anchor, txHash: await this.#reader.transactionOf(anchor) };
      this.#database.transaction("anchor.put", () => this.#log.store.putAnchor(complete));
      for (const listener of this.#listeners) listener(complete);
    }
  }

  /** @returns how many stored anchors the chain still has */
  async #dropVanished(count: number): Promise<number> {
    let last = this.#log.store.lastAnchor();
    while (last) {
      if (last.index < count && same(last, await this.#reader.at(last.index))) return last.index + 1;
      const { index } = last;
      this.#database.transaction("anchor.drop", () => this.#log.store.dropAnchorsFrom(index));
      last = this.#log.store.lastAnchor();
    }
    return 0;
  }
}

function same(a: StoredAnchor, b: StoredAnchor): boolean {
  return a.size === b.size && a.blockNumber === b.blockNumber && bytesEqual(a.root, b.root);
}
