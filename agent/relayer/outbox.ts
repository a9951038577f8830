import { problemToError } from "./problemError.ts";
import type { RelayerClient } from "./relayerClient.ts";
import { type AttemptFailure, defaultRetry, type RetryPolicy, withRetries } from "./retry.ts";
import { type CheckpointReader, verifyReceipt } from "./verifyReceipt.ts";
import type { Journal, JournalEntry } from "../journal/journal.ts";
import type { Receipt } from "../../protocol/api/receipt.ts";
import { maxBatchBytes, maxBatchEntries } from "../../protocol/api/types.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface OutboxOptions {
  readonly journal: Journal;
  readonly relayer: RelayerClient;
  /**
   * Asked for before the first receipt is verified, and anew where one has no line of the key that was known: the log's
   * operator may have changed it, which the chain then says.
   */
  readonly checkpoints: (anew: boolean) => Promise<CheckpointReader>;
  readonly retry?: Partial<RetryPolicy>;
  /** Leaves the payloads with the relayer as well. Default: they stay with the agent. */
  readonly leaveDisclosures?: boolean;
}

/**
 * Sends what the journal holds, in the order in which it was signed, one batch at a time: an entry that overtook the one
 * before it would be refused. While a batch is on its way further entries gather for the next one. What is sent is what
 * is stored, byte for byte, however often.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #round: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /**
   * Waits until the relayer has acknowledged an entry and the receipt verified.
   * @throws AffiantError with the code of the relayer's problem, ERR_UNAVAILABLE_RELAYER, ERR_PROOF_RECEIPT. The entry
   * stays in the journal and is sent again with the next one.
   */
  async delivered(seq: number): Promise<Receipt> {
    for (;;) {
      const receipt = this.#options.journal.entry(seq)?.receipt;
      if (receipt) return receipt;
      try {
        await this.#nextRound();
      } catch (error) {
        // Another entry of the batch may be what failed.
        const late = this.#options.journal.entry(seq)?.receipt;
        if (late) return late;
        throw error;
      }
    }
  }

  #nextRound(): Promise<void> {
    this.#round ??= this.#sendBatch().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #sendBatch(): Promise<void> {
    const checkpoints = await this.#options.checkpoints(false);
    await withRetries({ ...defaultRetry, ...this.#options.retry }, undefined, async () => {
      const batch = this.#upToBytes(this.#options.journal.unsent(maxBatchEntries));
      return batch.length === 0 ? { value: undefined } : this.#attempt(batch, checkpoints);
    });
  }

  /** A relayer takes a megabyte at once unless its operator says more; a single entry is sent whatever its size. */
  #upToBytes(entries: readonly JournalEntry[]): readonly JournalEntry[] {
    const leave = this.#options.leaveDisclosures ?? false;
    let bytes = 0;
    const first = entries.findIndex(({ leaf, disclosures }, i) => {
      bytes += leaf.length + 64 + (leave ? disclosures.reduce((sum, text) => sum + text.length + 3, 0) : 0);
      return i > 0 && bytes > maxBatchBytes;
    });
    return first < 0 ? entries : entries.slice(0, first);
  }

  async #attempt(
    batch: readonly JournalEntry[],
    known: CheckpointReader,
  ): Promise<{ value: undefined } | AttemptFailure> {
    const { journal, relayer } = this.#options;
    const leave = this.#options.leaveDisclosures ?? false;
    const results = await relayer.submitBatch(
      batch.map(({ leaf, disclosures }) => (leave && disclosures.length > 0 ? { leaf, disclosures } : { leaf })),
    );
    const accepted: { seq: number; receipt: Receipt }[] = [];
    let failure: AffiantError | undefined;
    let checkpoints = known;
    for (const [i, entry] of batch.entries()) {
      const result = results[i];
      if (!result?.receipt) {
        failure = refusal(entry, result?.problem && problemToError(result.problem));
        break;
      }
      if (checkpoints === known && !known.knows(result.receipt.checkpoint)) {
        checkpoints = await this.#options.checkpoints(true);
      }
      await verifyReceipt(result.receipt, entry.leaf, checkpoints);
      accepted.push({ seq: entry.seq, receipt: result.receipt });
    }
    // What came before the one that failed is in the log, and stays so.
    journal.storeReceipts(accepted);
    // Some were taken: that is no failure, the others are sent with the next batch. A relayer takes what it has in its log
    // already in pieces, as after a crash of this agent.
    const goesOn = failure?.retryable === true && accepted.length > 0;
    return failure && !goesOn ? { error: failure } : { value: undefined };
  }
}

function refusal(entry: JournalEntry, error: AffiantError | undefined): AffiantError {
  const { code, message, hint, details } =
    error ?? new AffiantError("ERR_UNAVAILABLE_RELAYER", "the relayer gave no answer for it");
  return new AffiantError(code, `entry ${entry.seq} was not taken in: ${message}`, {
    hint,
    details: { ...details, seq: entry.seq, entryId: entry.entryId },
    cause: error,
  });
}
