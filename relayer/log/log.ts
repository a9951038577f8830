import type { AnchorInfo, Receipt } from "../../protocol/api/receipt.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { LRUCache } from "lru-cache";
import { CheckpointFile } from "../store/checkpointFile.ts";
import type { Database } from "../store/database.ts";
import { type AgentHead, EntryStore, type NewEntry, type StoredEntry } from "../store/entryStore.ts";
import { SyncRounds } from "../store/syncRounds.ts";
import { type StoredAnchor, type StoredCheckpoint, TreeStore } from "../store/treeStore.ts";
import { LogTree } from "./logTree.ts";
import type { CheckpointKeys } from "./noteKey.ts";
import { writeReceipts } from "./receiptText.ts";
import { checkSignedHistory, signCheckpoint } from "./openLog.ts";

export type CheckpointListener = (checkpoint: StoredCheckpoint) => void;

/** Tells how deep an anchor's block lies; undefined while the chain's head is unknown. */
export type IsFinal = (blockNumber: number) => boolean;

/**
 * The log: entries, tree and signed checkpoints as one thing that moves forward together. All methods are synchronous;
 * only this process writes.
 */
export class Log {
  readonly entries: EntryStore;
  readonly store: TreeStore;
  readonly keys: CheckpointKeys;
  readonly #database: Database;
  readonly #file: CheckpointFile;
  readonly #heads = new LRUCache<string, AgentHead>({ max: 20_000 });
  readonly #listeners: CheckpointListener[] = [];
  readonly #rounds = new SyncRounds(() => this.#sync());
  #tree: LogTree;
  /** Signed over all that is committed. Nobody may see it before it is durable. */
  #tip: StoredCheckpoint;
  /** The newest one that is durable. */
  #checkpoint: StoredCheckpoint;
  /** Set when memory may lag behind the disk: the next use reads the disk again. */
  #stale = false;
  isFinal: IsFinal = () => false;

  /**
   * Opens the log and holds it against all that was ever signed.
   * @throws AffiantError ERR_CONFLICT_LOG_FORK
   */
  constructor(database: Database, dataDir: string, keys: CheckpointKeys) {
    this.#database = database;
    this.keys = keys;
    this.entries = new EntryStore(database);
    this.store = new TreeStore(database);
    this.#file = new CheckpointFile(dataDir);
    this.#tree = new LogTree(this.entries, this.store);
    this.#checkpoint = checkSignedHistory(this.#tree, this.store, this.#file, keys);
    this.#tip = this.#checkpoint;
  }

  get tree(): LogTree {
    this.#refresh();
    return this.#tree;
  }

  /** Entries that are durable. */
  get size(): number {
    return this.#checkpoint.size;
  }

  /** @throws AffiantError ERR_NOT_FOUND_PROOF for a size that the log has not (durably) reached */
  assertReached(size: number): void {
    if (size > this.size) {
      const details = { size: this.size };
      throw new AffiantError("ERR_NOT_FOUND_PROOF", `the log has ${this.size} entries, not ${size}`, { details });
    }
  }

  /** Entries that are committed, durable or not: the index of the next one. */
  get nextIndex(): number {
    return this.tree.size;
  }

  /** The newest signed checkpoint that is durable. */
  get checkpoint(): StoredCheckpoint {
    return this.#checkpoint;
  }

  /**
   * Resolves when all that the log holds at this call is on disk, and its checkpoint in the file: what was read before
   * the call may then be told.
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE
   */
  async settled(): Promise<void> {
    this.#refresh();
    if (this.#tip.size > this.#checkpoint.size) await this.#rounds.join();
  }

  /**
   * The checkpoint that was signed at a size, so that evidence can be built towards an anchor that lies back.
   * @throws AffiantError ERR_NOT_FOUND_PROOF if none was signed at that size
   */
  checkpointOf(size: number): StoredCheckpoint {
    const newest = this.checkpoint;
    if (size === newest.size) return newest;
    const found = size > 0 && size < newest.size ? this.store.checkpointCovering(size - 1) : undefined;
    if (found?.size === size) return found;
    throw new AffiantError("ERR_NOT_FOUND_PROOF", `no checkpoint was signed at size ${size}`);
  }

  agent(did: string): AgentHead | undefined {
    this.#refresh();
    let head = this.#heads.get(did);
    if (!head) {
      head = this.entries.agent(did);
      if (head) this.#heads.set(did, head);
    }
    return head;
  }

  nextAgentId(): number {
    return this.entries.nextAgentId();
  }

  onCheckpoint(listener: CheckpointListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Commits entries (indices contiguous from `nextIndex`) with the tree's new right edge and a signed checkpoint. Only
   * when {@link settled} has then resolved are they durable and may be answered; the next group need not wait for that.
   * Commit points: a crash before COMMIT, or of the machine before the sync, forgets the group; from the sync to the
   * checkpoint file the group is in the log but was answered to nobody, and the next start finds the database ahead of
   * the file, which is fine; after the file nothing is lost. A failed COMMIT or sync may have landed, so memory is then
   * read again from the disk.
   * @param beside writes what must stand or fall with the entries
   * @returns an answer with receipt an entry, as {@link writeReceipts} makes them
   * @throws AffiantError ERR_UNAVAILABLE_STORAGE
   */
  append(entries: readonly NewEntry[], heads: readonly AgentHead[], beside: () => void): Buffer[] {
    if (entries.length === 0) return [];
    const staged = this.tree.stage(entries.map((entry) => entry.leafHash));
    const checkpoint = signCheckpoint(this.keys, staged.size, staged.root);
    try {
      this.#database.transactionToSync("log.append", () => {
        for (const head of heads) this.entries.saveAgent(head);
        for (const entry of entries) this.entries.insert(entry);
        for (const tile of staged.fullTiles) this.store.insertTile(tile);
        this.store.insertCheckpoint(checkpoint);
        beside();
      });
    } catch (error) {
      this.#stale = true;
      throw error;
    }
    staged.apply();
    this.#tip = checkpoint;
    for (const head of heads) this.#heads.set(head.did, head);
    return writeReceipts({
      start: (entries[0] as NewEntry).index,
      entryIds: entries.map(({ entryId }) => entryId),
      size: staged.size,
      note: checkpoint.note,
      node: staged.node,
    });
  }

  /** One checkpoint in the file stands for all before it: a log that agrees with the newest agrees with them. */
  async #sync(): Promise<void> {
    try {
      this.#refresh();
      const tip = this.#tip;
      await this.#database.sync();
      await this.#file.write(tip.note);
      this.#checkpoint = tip;
      for (const listener of this.#listeners) listener(tip);
    } catch (error) {
      this.#stale = true;
      throw error;
    }
  }

  /**
   * The receipt of a stored entry. Checkpoint and proof are those of its first receipt; the status climbs with the
   * anchors, and falls back when a reorg takes an anchor away.
   */
  receipt(entry: StoredEntry): Receipt {
    const checkpoint = this.store.checkpointCovering(entry.index);
    if (!checkpoint) throw new AffiantError("ERR_CONFLICT_LOG_FORK", `no checkpoint covers entry ${entry.index}`);
    const anchor = this.store.anchorCovering(entry.index);
    return {
      entryId: toHex(entry.entryId),
      index: entry.index,
      size: checkpoint.size,
      checkpoint: checkpoint.note,
      proof: this.tree.inclusion(entry.index, checkpoint.size).map(toHex),
      status: !anchor ? "sequenced" : this.isFinal(anchor.blockNumber) ? "final" : "anchored",
      ...(anchor ? { anchor: anchorInfo(anchor) } : {}),
    };
  }

  keepEquivocation(agentId: number, seq: number, entryId: Uint8Array, leaf: string, nowMs: number): void {
    this.#database.transaction("log.equivocation", () =>
      this.entries.keepEquivocation(agentId, seq, entryId, leaf, nowMs),
    );
  }

  close(): void {
    this.#file.close();
  }

  /** After a failed write: takes the disk's word for what the log is. It is told to nobody before the next sync. */
  #refresh(): void {
    if (!this.#stale) return;
    this.#heads.clear();
    const tree = new LogTree(this.entries, this.store);
    this.#tip = this.store.lastCheckpoint() ?? signCheckpoint(this.keys, 0, tree.root());
    this.#tree = tree;
    this.#stale = false;
  }
}

export function anchorInfo(anchor: StoredAnchor): AnchorInfo {
  return {
    index: anchor.record,
    size: anchor.size,
    root: toHex(anchor.root),
    blockNumber: anchor.blockNumber,
    txHash: (anchor.txHash ?? `0x${"0".repeat(64)}`) as Hex,
  };
}
