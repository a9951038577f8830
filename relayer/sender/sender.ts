import { randomUUID } from "node:crypto";

import { type Interface, hexlify } from "ethers";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { type HeadTracker } from "../chain/head.ts";
import { type Rpc, RpcError } from "../chain/rpc.ts";
import { type Attempt, type Job, type Journal, type NewAttempt, type NewJob } from "../journal/journal.ts";
import { bumpedFees, type FeeCaps, type Fees, firstFees } from "./fees.ts";
import { minedAttempt, readOutcome } from "./receipts.ts";
import { readSendError } from "./sendErrors.ts";
import { type TransactionSigner } from "./signer.ts";
import { simulate } from "./simulate.ts";

export interface SenderOptions {
  readonly chainId: number;
  /** Blocks on top of (and with) a transaction's block until it is final. */
  readonly confirmations: number;
  /** Blocks without being mined after which the fee is raised. */
  readonly bumpAfterBlocks: number;
  readonly gasLimitPerCall: number;
  readonly feeCaps: FeeCaps;
  /** Transactions of a lane that may be in flight at once. */
  readonly maxInFlight: number;
}

export type JobListener = (job: Job) => void;

/**
 * Moves the jobs of the journal forward, one lane (one account). It keeps nothing in memory that the journal does not
 * hold, so it can die between any two lines and go on from there.
 */
export class Sender {
  readonly #journal: Journal;
  readonly #rpc: Rpc;
  readonly #heads: HeadTracker;
  readonly #signer: TransactionSigner;
  readonly #abis: readonly Interface[];
  readonly #options: SenderOptions;
  readonly #listeners: JobListener[] = [];
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  /** Why jobs do not move, in words for the operator. */
  trouble: string | undefined;

  constructor(
    journal: Journal,
    rpc: Rpc,
    heads: HeadTracker,
    signer: TransactionSigner,
    abis: readonly Interface[],
    options: SenderOptions,
  ) {
    this.#journal = journal;
    this.#rpc = rpc;
    this.#heads = heads;
    this.#signer = signer;
    this.#abis = abis;
    this.#options = options;
  }

  get address(): string {
    return this.#signer.address;
  }

  onJob(listener: JobListener): void {
    this.#listeners.push(listener);
  }

  /** Runs a pass soon; a pass that is running is followed by another. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#passes().finally(() => {
      this.#running = undefined;
      if (this.#again && !this.#stopped) this.wake();
    });
  }

  /** Lets the running pass end; what it did not reach waits in the journal. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #passes(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#pass();
        this.trouble = undefined;
      } catch (error) {
        // The chain or the disk: nothing is lost, the next head (or wake) tries again.
        this.trouble = error instanceof Error ? error.message : String(error);
      }
    }
  }

  async #pass(): Promise<void> {
    const head = this.#heads.head ?? (await this.#heads.poll());
    await this.#followMined(head.number);
    await this.#followBroadcast(head.number);
    await this.#fillGaps();
    for (const job of this.#journal.inState("signed")) await this.#broadcast(job, head.number);
    for (const job of this.#journal.inState("accepted", 64)) await this.#simulate(job);
    await this.#signSimulated(head.baseFeePerGas, head.number);
  }

  // ---- mined: deep enough, or gone?

  async #followMined(headNumber: number): Promise<void> {
    for (const job of this.#journal.inState("mined")) {
      const receipt = await readOutcome(this.#rpc, String(job.txHash));
      if (!receipt) {
        this.#journal.unmine(job.id);
        this.#tell(job.id);
        continue;
      }
      const { mined, error } = receipt;
      const isDeep = headNumber - mined.blockNumber + 1 >= this.#options.confirmations;
      const state = !isDeep ? "mined" : error === null ? "final" : "failed";
      if (state !== job.state || mined.blockHash !== job.blockHash) {
        this.#journal.mined(job.id, state, mined, error);
        this.#tell(job.id);
      }
    }
  }

  // ---- broadcast: mined, or stuck?

  /** One job's trouble (no funds for its bump, say) must not keep the others from being seen to be mined. */
  async #followBroadcast(headNumber: number): Promise<void> {
    let trouble: unknown;
    for (const job of this.#journal.inState("broadcast")) {
      try {
        await this.#followOne(job, headNumber);
      } catch (error) {
        trouble ??= error;
      }
    }
    if (trouble !== undefined) throw trouble;
  }

  async #followOne(job: Job, headNumber: number): Promise<void> {
    const attempts = this.#journal.attempts(job.id);
    if (await this.#takeIfMined(job, attempts)) return;
    const last = attempts.at(-1);
    if (!last || headNumber - (last.sentAtBlock ?? 0) < this.#options.bumpAfterBlocks) return;
    await this.#bumpOrResend(job, last, headNumber);
  }

  async #takeIfMined(job: Job, attempts: readonly Attempt[]): Promise<boolean> {
    const outcome = await minedAttempt(this.#rpc, attempts);
    if (!outcome) return false;
    this.#journal.mined(job.id, "mined", outcome.mined, outcome.error);
    this.#tell(job.id);
    this.#again = true; // one confirmation may be all it takes
    return true;
  }

  async #bumpOrResend(job: Job, last: Attempt, headNumber: number): Promise<void> {
    const baseFee = this.#heads.head?.baseFeePerGas ?? 0n;
    const fees = bumpedFees(last, baseFee, this.#options.feeCaps);
    if (!fees) {
      await this.#send(job, last, headNumber); // at the cap: a node may have dropped it
      return;
    }
    const attempt = await this.#sign(job, last.nonce, job.gasLimit ?? 21_000, fees);
    this.#journal.addBump(attempt);
    await this.#send(job, attempt, headNumber);
  }

  // ---- accepted and simulated: spend a nonce only on what would succeed

  async #simulate(job: Job): Promise<void> {
    try {
      const gasLimit = await simulate(this.#rpc, this.address, job, this.#abis, this.#options.gasLimitPerCall);
      this.#journal.simulated(job.id, gasLimit);
    } catch (error) {
      if (!isAffiantError(error) || error.retryable) throw error;
      // A job whose nonce was lost may have taken effect all the same, and be refused now for that very reason.
      if (await this.#takeIfMined(job, this.#journal.attempts(job.id))) return;
      this.#journal.fail(job.id, JSON.stringify(toProblem(error)));
    }
    this.#tell(job.id);
  }

  async #signSimulated(baseFeeWei: bigint, headNumber: number): Promise<void> {
    const inFlight = this.#journal.inState("signed").length + this.#journal.inState("broadcast").length;
    const jobs = this.#journal.inState("simulated", Math.max(0, this.#options.maxInFlight - inFlight));
    for (const job of jobs) {
      const nonce = await this.#nextNonce();
      const fees = firstFees(baseFeeWei, this.#options.feeCaps);
      this.#journal.claim(await this.#sign(job, nonce, job.gasLimit ?? this.#options.gasLimitPerCall, fees));
      this.#tell(job.id);
      await this.#broadcast({ ...job, state: "signed", nonce, lane: this.address }, headNumber);
    }
  }

  /** The journal's count; the chain's where that is ahead, because the key was used from elsewhere. */
  async #nextNonce(): Promise<number> {
    return Math.max(this.#journal.nextNonce(this.address) ?? 0, await this.#countOnChain());
  }

  async #sign(
    job: Pick<Job, "id" | "target" | "data">,
    nonce: number,
    gasLimit: number,
    fees: Fees,
  ): Promise<NewAttempt> {
    const { chainId } = this.#options;
    const { raw, hash } = await this.#signer.sign({
      chainId,
      nonce,
      to: job.target,
      data: hexlify(job.data),
      gasLimit,
      ...fees,
    });
    return { hash, jobId: job.id, lane: this.address, nonce, raw, ...fees };
  }

  // ---- signed: out with the same bytes, however often

  async #broadcast(job: Job, headNumber: number): Promise<void> {
    const attempts = this.#journal.attempts(job.id);
    const last = attempts.at(-1);
    if (last) await this.#send(job, last, headNumber);
  }

  async #send(job: Job, attempt: NewAttempt, head: number): Promise<void> {
    try {
      await this.#rpc.call("eth_sendRawTransaction", [attempt.raw]);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const answer = readSendError(error);
      // Once a node took an attempt, it may be mined, whatever another node says: then its slot is not dead.
      const isDead = answer === "unacceptable" && !this.#wasSent(job);
      if (isDead) {
        await this.#fillSlot(job, attempt.nonce, error);
        return;
      }
      if (answer === "later" || answer === "unacceptable") throw error;
      if (answer === "nonce-used" && !(await this.#takeIfMined(job, this.#journal.attempts(job.id)))) {
        await this.#nonceLost(job);
        return;
      }
    }
    this.#journal.sent(job.id, attempt.hash, head);
    this.#tell(job.id);
  }

  #wasSent(job: Job): boolean {
    return this.#journal.attempts(job.id).some(({ sentAtBlock }) => sentAtBlock !== null);
  }

  /** The nonce was used by a transaction this journal does not know (the key is used elsewhere): start over. */
  async #nonceLost(job: Job): Promise<void> {
    const onChain = await this.#countOnChain();
    if (job.nonce !== null && onChain > job.nonce) {
      // What a no-op was for is done: its nonce is no longer free.
      if (job.kind === "noop") this.#journal.fail(job.id, JSON.stringify(toProblem(slotTaken())));
      else this.#journal.release(job.id, onChain);
    }
    this.#again = true;
  }

  async #countOnChain(): Promise<number> {
    return Number(await this.#rpc.call("eth_getTransactionCount", [this.address, "latest"]));
  }

  /**
   * A nonce that the journal counts as used, but that no job holds and the chain does not have, stops all that come
   * behind it: another program's transaction that took it was lost in a reorg. A no-op takes its place.
   */
  async #fillGaps(): Promise<void> {
    const next = this.#journal.nextNonce(this.address) ?? 0;
    const onChain = await this.#countOnChain();
    if (onChain >= next) return;
    const held = new Set(this.#journal.noncesFrom(this.address, onChain));
    for (let nonce = onChain; nonce < next; nonce++) {
      if (held.has(nonce)) continue;
      const { filler, attempt } = await this.#signFiller(nonce);
      this.#journal.fillGap(filler, attempt);
    }
  }

  async #fillSlot(job: Job, nonce: number, cause: RpcError): Promise<void> {
    const { filler, attempt } = await this.#signFiller(nonce);
    const problem = toProblem(
      new AffiantError("ERR_PROOF_REVERTED", `no node takes the transaction: ${cause.message}`),
    );
    this.#journal.fillSlot(job, JSON.stringify(problem), filler, attempt);
    this.#tell(job.id);
    this.#again = true;
  }

  /** A transaction to oneself that does nothing but use a nonce. */
  async #signFiller(nonce: number): Promise<{ filler: NewJob; attempt: NewAttempt }> {
    const id = randomUUID();
    const filler: NewJob = {
      id,
      dedupeKey: `noop:${id}`,
      kind: "noop",
      agent: null,
      target: this.address,
      data: new Uint8Array(),
    };
    const fees = firstFees(this.#heads.head?.baseFeePerGas ?? 0n, this.#options.feeCaps);
    return { filler, attempt: await this.#sign(filler, nonce, 21_000, fees) };
  }

  #tell(jobId: string): void {
    const job = this.#journal.byId(jobId);
    if (job) for (const listener of this.#listeners) listener(job);
  }
}

function slotTaken(): AffiantError {
  return new AffiantError("ERR_CONFLICT_NONCE", "the nonce was used by another transaction");
}
