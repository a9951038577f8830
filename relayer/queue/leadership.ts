import type { LaneLease } from "../sender/laneLease.ts";
import { laneTask, type Work, type WorkQueue } from "./workQueue.ts";

export interface LedLane {
  readonly address: string;
  readonly work: Work;
}

/** Keeps trying to lead lanes; while this process leads one, it takes that lane's wakes. */
export class Leadership {
  readonly #lease: LaneLease;
  readonly #queue: WorkQueue;
  readonly #lanes: readonly LedLane[];
  readonly #led = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(lease: LaneLease, queue: WorkQueue, lanes: readonly LedLane[]) {
    this.#lease = lease;
    this.#queue = queue;
    this.#lanes = lanes;
  }

  get led(): readonly string[] {
    return [...this.#led];
  }

  /** @param everyMs a third of the lease, so that two looks may fail before it ends */
  async start(everyMs: number): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), everyMs);
  }

  /** Renews what it leads, takes what nobody leads, lets go of what was taken. One look at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Gives every lane up, after its running pass: another process need not wait for the lease to end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#looking;
    for (const address of this.#led) {
      await this.#queue.leave(laneTask(address));
      await this.#lease.release(address);
    }
    this.#led.clear();
  }

  async #look(): Promise<void> {
    for (const lane of this.#lanes) {
      if (this.#stopped) return;
      // A disk that does not write: who leads stays as it was, the fence decides.
      const token = await this.#lease.lead(lane.address).catch(() => null);
      if (token === null) continue;
      if (token === undefined) await this.#lose(lane);
      else this.#gain(lane);
    }
  }

  #gain({ address, work }: LedLane): void {
    if (this.#led.has(address)) return;
    this.#led.add(address);
    this.#queue.serve(laneTask(address), work);
    // What the leader before was woken for may be undone: one pass over the journal finds it.
    this.#queue.wakeHere(laneTask(address));
  }

  async #lose({ address }: LedLane): Promise<void> {
    if (!this.#led.delete(address)) return;
    await this.#queue.leave(laneTask(address));
  }
}
