import type { Job } from "../journal/job.ts";
import type { Journal } from "../journal/journal.ts";
import { Lane } from "./lane.ts";
import type { LaneLease } from "./laneLease.ts";
import type { LaneTools } from "./lanePass.ts";
import { retiredSigner, type TransactionSigner } from "./signer.ts";

export type JobListener = (job: Job) => void;

/**
 * All lanes of this relayer. Requests wait in the journal until a lane takes them; what only the log's operator may send
 * (anchors) belongs to the first lane from the start.
 */
export class Sender {
  readonly lanes: readonly Lane[];
  readonly #operator: TransactionSigner;
  readonly #listeners: JobListener[] = [];
  #waker: (lane: Lane) => void = (lane) => lane.wake();

  /**
   * @param signers the operator's first. Lanes in the journal whose key is not among them any more are still followed
   * to their end: what they signed goes out and is waited for, but no fee is raised and no slot filled.
   */
  constructor(
    signers: readonly [TransactionSigner, ...TransactionSigner[]],
    journal: Journal,
    lease: LaneLease,
    tools: Omit<LaneTools, "tell">,
  ) {
    [this.#operator] = signers;
    journal.adoptOwnJobs(this.#operator.address);
    const known = new Set(signers.map(({ address }) => address));
    const retired = journal.busyLanes().filter((address) => !known.has(address));
    const tell = (jobId: string) => {
      const job = this.#listeners.length > 0 ? journal.byId(jobId) : undefined;
      if (job) for (const listener of this.#listeners) listener(job);
    };
    this.lanes = [...signers, ...retired.map(retiredSigner)].map(
      (signer) => new Lane(signer, journal, lease, { ...tools, tell }),
    );
  }

  /** The account of the log's operator, which anchors. */
  get operator(): string {
    return this.#operator.address;
  }

  /** Why jobs do not move, in words for the operator: the first lane's reason that has one. */
  get trouble(): string | undefined {
    return this.lanes.find(({ trouble }) => trouble !== undefined)?.trouble;
  }

  onJob(listener: JobListener): void {
    this.#listeners.push(listener);
  }

  /** How lanes are woken; by themselves, unless they share their work with other processes. */
  wakeBy(waker: (lane: Lane) => void): void {
    this.#waker = waker;
  }

  /** Has every lane look at its jobs soon. */
  wake(): void {
    for (const lane of this.lanes) this.#waker(lane);
  }

  async stop(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.stop()));
  }
}
