import type { Work } from "./workQueue.ts";

/** Runs one task of this process: never twice at once, and once more if it was asked for meanwhile. */
export class TaskRunner {
  readonly #work: Work;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #stopped = false;

  constructor(work: Work) {
    this.#work = work;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Ends when a run that began after this call has ended, as that run ended. */
  run(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#startNext(),
      () => this.#startNext(),
    );
    return this.#next;
  }

  /** Starts nothing new and lets what runs end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => undefined);
  }

  #startNext(): Promise<void> {
    this.#next = undefined;
    return this.run();
  }

  #start(): Promise<void> {
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
