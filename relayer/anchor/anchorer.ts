import { randomUUID } from "node:crypto";

import { getBytes } from "ethers";

import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";
import type { Job } from "../journal/job.ts";
import type { Journal } from "../journal/journal.ts";
import type { Log } from "../log/log.ts";
import type { Sender } from "../sender/sender.ts";
import type { AnchorFollower } from "./anchorFollower.ts";
import type { AnchorReader } from "./anchorReader.ts";

export interface AnchorerOptions {
  readonly intervalMs: number;
  /** Entries without an anchor that make one due before its time. */
  readonly maxEntries: number;
  /** Every how manieth anchor is kept as a record by the contract. */
  readonly recordEvery: number;
  readonly now: () => number;
}

/** How anchoring stands, for `/readyz`, metrics and people. */
export interface AnchorStatus {
  readonly registered: boolean;
  readonly anchoredSize: number;
  readonly pendingEntries: number;
  /** Since the oldest entry without an anchor came; 0 when all are anchored. */
  readonly lagMs: number;
  /** Why an anchor that is due has not come, in words. */
  readonly lateBecause: string | undefined;
  /** The same in one word: the code of what failed while the anchor was made ready, or else where it is stuck. */
  readonly lateCause: ErrorCode | "sender" | "not-mined" | undefined;
}

/**
 * Gets the log's root onto the chain: by time, by size, or on request; most times by `advance`, which costs half, every
 * now and then by `anchor`, which leaves a record that one call reads. What is anchored next is worked out from the
 * chain's last anchor each time, so an outage, a lost transaction or a reorg heals with the next round, and a size is
 * never anchored twice.
 */
export class Anchorer {
  readonly #log: Log;
  readonly #journal: Journal;
  readonly #sender: Sender;
  readonly #reader: AnchorReader;
  readonly #follower: AnchorFollower;
  readonly #options: AnchorerOptions;
  #registered = false;
  #requested = false;
  #stopped = false;
  #pendingSinceMs: number | undefined;
  #trouble: { readonly code: ErrorCode; readonly words: string } | undefined;
  #running: Promise<void> | undefined;

  constructor(
    log: Log,
    journal: Journal,
    sender: Sender,
    reader: AnchorReader,
    follower: AnchorFollower,
    options: AnchorerOptions,
  ) {
    this.#log = log;
    this.#journal = journal;
    this.#sender = sender;
    this.#reader = reader;
    this.#follower = follower;
    this.#options = options;
    if (log.size > this.#anchoredSize()) this.#pendingSinceMs = options.now();
    log.onCheckpoint(() => (this.#pendingSinceMs ??= options.now()));
  }

  /** Asks for an anchor without waiting for its time. */
  request(): void {
    this.#requested = true;
    void this.check();
  }

  /** Looks at the chain and sends an anchor if one is due. One round at a time. */
  check(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    this.#running ??= this.#round().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Whether so many entries wait that an anchor is due before its time. */
  isFullyLoaded(): boolean {
    return this.#log.size - this.#anchoredSize() >= this.#options.maxEntries;
  }

  /** Starts no new round and lets the running one end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  status(): AnchorStatus {
    const anchoredSize = this.#anchoredSize();
    const lagMs = this.#pendingSinceMs === undefined ? 0 : this.#options.now() - this.#pendingSinceMs;
    return {
      registered: this.#registered,
      anchoredSize,
      pendingEntries: this.#log.size - anchoredSize,
      lagMs,
      ...this.#lateness(lagMs > this.#options.intervalMs * 3),
    };
  }

  #lateness(isLate: boolean): Pick<AnchorStatus, "lateBecause" | "lateCause"> {
    if (this.#trouble) return { lateBecause: this.#trouble.words, lateCause: this.#trouble.code };
    const { trouble } = this.#sender;
    if (trouble !== undefined) return { lateBecause: trouble, lateCause: "sender" };
    if (isLate) return { lateBecause: "the transaction is not mined yet", lateCause: "not-mined" };
    return { lateBecause: undefined, lateCause: undefined };
  }

  /**
   * Makes sure that the log is registered and ours.
   * @throws AffiantError ERR_CONFLICT_LOG_OPERATOR
   */
  async #ensureRegistered(): Promise<boolean> {
    if (this.#registered) return true;
    const registration = await this.#reader.registration();
    if (!registration) {
      // One that is on its way and slow, or lost its nonce, will come: a second one would pay for a revert.
      if (this.#journal.isUnderWay("register-log")) return false;
      const { contract } = this.#reader;
      const { signer, publicKey } = this.#log.keys.note;
      const data = contract.abi.encodeFunctionData("registerLog", [signer.name, publicKey]);
      await this.#submit("register-log", `register:${this.#reader.logId}`, data);
      return false;
    }
    assertOurs(registration, this.#sender.operator, toHex(this.#log.keys.note.publicKey));
    this.#registered = true;
    return true;
  }

  async #round(): Promise<void> {
    try {
      if (!(await this.#ensureRegistered())) return;
      await this.#follower.follow();
      const anchoredSize = this.#anchoredSize();
      if (anchoredSize === this.#log.size) {
        this.#pendingSinceMs = undefined;
        this.#requested = false;
      } else if (this.#isDue(anchoredSize) && !this.#journal.isUnderWay("anchor")) {
        // One anchor at a time: the next one's consistency proof starts at the size that this one sets.
        await this.#anchorNow(anchoredSize);
      }
      this.#trouble = undefined;
    } catch (error) {
      const code = isAffiantError(error) ? error.code : "ERR_INTERNAL_UNEXPECTED";
      this.#trouble = { code, words: error instanceof Error ? error.message : String(error) };
    }
  }

  #isDue(anchoredSize: number): boolean {
    const lagMs = this.#options.now() - (this.#pendingSinceMs ?? this.#options.now());
    const pending = this.#log.size - anchoredSize;
    return this.#requested || pending >= this.#options.maxEntries || lagMs >= this.#options.intervalMs;
  }

  async #anchorNow(anchoredSize: number): Promise<void> {
    const { size, root } = this.#log.checkpoint;
    const proof = this.#log.tree.consistency(anchoredSize, size);
    const { contract, logId } = this.#reader;
    // Counted from the chain's own records, not from what was sent: lost and reverted anchors do not count.
    const isRecord = this.#log.store.anchorsSinceRecord() + 1 >= this.#options.recordEvery;
    const name = isRecord ? "anchor" : "advance";
    const data = contract.abi.encodeFunctionData(name, [logId, size, root, proof]);
    this.#requested = false;
    this.#pendingSinceMs = this.#options.now();
    await this.#submit("anchor", `anchor:${logId}:${anchoredSize}:${size}`, data);
  }

  async #submit(kind: Job["kind"], dedupeKey: string, data: string): Promise<void> {
    const known = this.#journal.byDedupeKey(dedupeKey);
    // The same step failed before (an outage, an empty account, a reorg under it): a new job, not a second effect.
    const key =
      known && (known.state === "failed" || known.state === "final") ? `${dedupeKey}#${randomUUID()}` : dedupeKey;
    this.#journal.add({
      id: randomUUID(),
      dedupeKey: key,
      kind,
      agent: null,
      target: this.#reader.contract.address,
      data: getBytes(data),
      lane: this.#sender.operator, // the contract takes anchors of the log's operator alone
    });
    this.#sender.wake();
  }

  #anchoredSize(): number {
    return this.#log.store.lastAnchor()?.size ?? 0;
  }
}

/** @throws AffiantError ERR_CONFLICT_LOG_OPERATOR */
export function assertOurs(
  { operator, noteKey }: { readonly operator: string; readonly noteKey: string },
  address: string,
  ownNoteKey: string,
): void {
  if (operator === address && noteKey === ownNoteKey) return;
  throw new AffiantError("ERR_CONFLICT_LOG_OPERATOR", "the log of this origin is registered to somebody else", {
    details: { operator, noteKey, ownAddress: address, ownNoteKey },
    hint: "use the sender key and note key that registered it, or another AFFIANT_LOG_ORIGIN",
  });
}
