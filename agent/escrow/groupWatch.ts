import type { EscrowSource, GroupView } from "./escrowReader.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface WatchOptions {
  readonly source: EscrowSource;
  /** A view is used without asking again for this long. A member's loss of trust is noticed at most so much later. */
  readonly maxAgeMs: number;
  /** A view is too old if somebody who is believed speaks of a block that is so much newer. */
  readonly maxLagBlocks: number;
  /** Milliseconds that only grow. */
  readonly nowMs: () => number;
}

/**
 * The agent's view of its group, never older than it may be: when the chain cannot be asked, the answer is an error and not
 * the last thing that was known.
 */
export class GroupWatch {
  readonly #options: WatchOptions;
  #last: { readonly view: GroupView; readonly readAtMs: number } | undefined;
  #reading: Promise<GroupView> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /**
   * @param seenBlock a block that a member of the group says it has seen: an endpoint that stands still is found out by it
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN_VIEW
   */
  async view(seenBlock = 0): Promise<GroupView> {
    const { maxAgeMs, maxLagBlocks, nowMs } = this.#options;
    const last = this.#last;
    const tooOld = last === undefined || nowMs() - last.readAtMs > maxAgeMs;
    const view = tooOld || seenBlock > last.view.blockNumber + maxLagBlocks ? await this.refresh() : last.view;
    if (seenBlock <= view.blockNumber + maxLagBlocks) return view;
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN_VIEW", "the chain's endpoint is behind what other agents see", {
      details: { blockNumber: view.blockNumber, seenBlock, maxLagBlocks },
    });
  }

  /** Asks now. @throws AffiantError ERR_UNAVAILABLE_CHAIN_VIEW */
  refresh(): Promise<GroupView> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<GroupView> {
    // The age counts from before the question: the answer may be of a block that was the newest then.
    const readAtMs = this.#options.nowMs();
    try {
      const view = await this.#options.source.view();
      // An endpoint behind a balancer may answer from further back; what was known to be over does not begin again.
      if (this.#last && view.blockNumber < this.#last.view.blockNumber - this.#options.maxLagBlocks) {
        throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the chain's endpoint went back");
      }
      this.#last = { view, readAtMs };
      return view;
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN_VIEW", "the group's epoch cannot be looked up", { cause });
    }
  }
}
