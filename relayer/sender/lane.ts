import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { Journal } from "../journal/journal.ts";
import type { LaneJournal } from "../journal/laneJournal.ts";
import { fillGaps } from "./fillGaps.ts";
import { followBroadcast } from "./followBroadcast.ts";
import { followMined } from "./followMined.ts";
import type { LaneLease } from "./laneLease.ts";
import type { LanePass, LaneTools } from "./lanePass.ts";
import type { TransactionSigner } from "./signer.ts";
import { spendNonces } from "./spendNonces.ts";
import { type Sending, transmit } from "./transmit.ts";

/**
 * Moves the jobs of one sender key forward: one account, one line of nonces. It keeps nothing in memory that the journal
 * does not hold, so it can die between any two lines, here or in another process, and be gone on with from there.
 */
export class Lane {
  readonly #signer: TransactionSigner;
  readonly #journal: Journal;
  readonly #lease: LaneLease;
  readonly #tools: LaneTools;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  /** The head up to which the lane's transactions were followed, and the account's nonce there. */
  #followed: { readonly hash: string; readonly onChain: number } | undefined;
  /** Why its jobs do not move, in words for the operator. */
  trouble: string | undefined;
  /** Whether this process drives it; undefined before the first pass. */
  isLed: boolean | undefined;

  constructor(signer: TransactionSigner, journal: Journal, lease: LaneLease, tools: LaneTools) {
    this.#signer = signer;
    this.#journal = journal;
    this.#lease = lease;
    this.#tools = tools;
  }

  /** EIP-55. */
  get address(): string {
    return this.#signer.address;
  }

  /** Runs a pass soon; a pass that is running is followed by another. */
  wake(): void {
    this.work().catch(() => undefined); // `trouble` says it
  }

  /**
   * The same for a caller that waits: ends when no pass asks for another.
   * @throws why its jobs do not move, if the last pass failed
   */
  work(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    this.#again = true;
    this.#running ??= this.#passes().finally(() => {
      this.#running = undefined;
      if (this.#again && !this.#stopped) this.wake();
    });
    return this.#running;
  }

  /** Lets the running pass end; what it did not reach waits in the journal. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => undefined);
    await this.#lease.release(this.address);
  }

  async #passes(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      this.trouble = await this.#tryPass();
    }
    if (this.trouble !== undefined) throw new Error(this.trouble);
  }

  /** @returns why it failed: the chain or the disk. Nothing is lost, the next head (or wake) tries again */
  async #tryPass(): Promise<string | undefined> {
    let journal: LaneJournal | undefined;
    try {
      const token = await this.#lease.lead(this.address);
      this.isLed = token !== undefined;
      if (token === undefined) return undefined;
      journal = this.#journal.lane(this.address, token);
      await this.#pass(journal);
      return undefined;
    } catch (error) {
      this.#followed = undefined;
      if (isAffiantError(error) && error.code === "ERR_CONFLICT_LANE_LOST") {
        this.isLed = false;
        return undefined;
      }
      giveBack(journal);
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #pass(journal: LaneJournal): Promise<void> {
    const { heads } = this.#tools;
    const head = heads.head ?? (await heads.poll());
    const isNewHead = this.#followed?.hash !== head.hash;
    const onChain = isNewHead ? await this.#countOnChain() : (this.#followed?.onChain ?? 0);
    const pass: LanePass = {
      ...this.#tools,
      ...{ journal, signer: this.#signer, head, onChain },
      goOn: () => {
        this.#followed = undefined;
        this.#again = true;
      },
    };
    if (isNewHead) {
      // Without a new block nothing can have been mined, or be gone.
      this.#followed = { hash: head.hash, onChain };
      await followMined(pass);
      await followBroadcast(pass);
      await followMined(pass);
      if (!this.#signer.isRetired) await fillGaps(pass);
    }
    const { signed, trouble } = signedOnes(journal);
    await transmit(pass, signed);
    if (this.#signer.isRetired) journal.giveBack();
    else await spendNonces(pass);
    if (trouble) throw trouble;
  }

  async #countOnChain(): Promise<number> {
    return Number(await this.#tools.rpc.call("eth_getTransactionCount", [this.address, "latest"]));
  }
}

/** What is signed and was not sent. What was altered meanwhile stays where it is, and keeps nothing else. */
function signedOnes(journal: LaneJournal): { readonly signed: readonly Sending[]; readonly trouble: unknown } {
  const signed: Sending[] = [];
  let trouble: unknown;
  for (const { id } of journal.inState("signed")) {
    try {
      const { job, attempts } = journal.intact(id);
      const attempt = attempts.at(-1);
      if (attempt) signed.push({ job, attempt });
    } catch (error) {
      trouble ??= error;
    }
  }
  return { signed, trouble };
}

/** What cannot be sent from here now, other lanes may send. */
function giveBack(journal: LaneJournal | undefined): void {
  try {
    journal?.giveBack();
  } catch {
    // The disk, or another leader: what was taken waits here until it can be written.
  }
}
