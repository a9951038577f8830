import { TaskRunner } from "./taskRunner.ts";
import { backOffMs, type QueueStatus, type TaskName, type Work, type WorkQueue } from "./workQueue.ts";

interface Served {
  readonly runner: TaskRunner;
  failures: number;
  retry: NodeJS.Timeout | undefined;
  readonly timers: Set<NodeJS.Timeout>;
}

/** The queue of a relayer that is one process: calls, timers, nothing to install. */
export class EmbeddedQueue implements WorkQueue {
  readonly #served = new Map<TaskName, Served>();

  serve(name: TaskName, work: Work): void {
    this.#served.set(name, { runner: new TaskRunner(work), failures: 0, retry: undefined, timers: new Set() });
  }

  async leave(name: TaskName): Promise<void> {
    const served = this.#served.get(name);
    this.#served.delete(name);
    if (!served) return;
    clearTimeout(served.retry);
    for (const timer of served.timers) clearTimeout(timer);
    await served.runner.stop();
  }

  wake(name: TaskName, delayMs = 0): void {
    const served = this.#served.get(name);
    if (!served) return;
    if (delayMs === 0) {
      this.#run(served);
      return;
    }
    const timer = setTimeout(() => {
      served.timers.delete(timer);
      this.#run(served);
    }, delayMs);
    served.timers.add(timer);
  }

  wakeHere(name: TaskName): void {
    this.wake(name);
  }

  repeat(name: TaskName, everyMs: number): void {
    this.repeatWhile(name, everyMs, () => true);
  }

  /** For a queue that has its own clock elsewhere: ticks here only while that one is away. */
  repeatWhile(name: TaskName, everyMs: number, isNeeded: () => boolean): void {
    const served = this.#served.get(name);
    if (!served) return;
    served.timers.add(setInterval(() => void (isNeeded() && this.#run(served)), everyMs));
  }

  /** Nothing is lost while the process lives, and with the process goes the queue. */
  onLost(): void {
    return;
  }

  /** For a queue that brings wakes from elsewhere: throws what the work throws. */
  async runNow(name: TaskName): Promise<void> {
    await this.#served.get(name)?.runner.run();
  }

  serves(name: TaskName): boolean {
    return this.#served.has(name);
  }

  status(): QueueStatus {
    return { backend: "embedded", connected: true, troubles: [] };
  }

  depth(): Promise<number | undefined> {
    return Promise.resolve([...this.#served.values()].filter(({ runner }) => runner.busy).length);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#served.keys()].map((name) => this.leave(name)));
  }

  #run(served: Served): void {
    clearTimeout(served.retry);
    served.retry = undefined;
    served.runner.run().then(
      () => (served.failures = 0),
      () => {
        served.failures++;
        clearTimeout(served.retry);
        served.retry = setTimeout(() => this.#run(served), backOffMs(served.failures));
      },
    );
  }
}
