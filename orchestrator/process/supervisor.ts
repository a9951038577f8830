import { setTimeout as sleep } from "node:timers/promises";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type Exit, type ProgramSpec, type ReadyLine, RunningProcess } from "./childProcess.ts";

export interface RestartRule {
  /** How many restarts in a row are tried. A run that was ready for `stableAfterMs` starts the count anew. */
  readonly maxRestarts: number;
  /** Waited before the first restart, doubled for each further one. */
  readonly delayMs: number;
  readonly stableAfterMs: number;
}

export interface SupervisorOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly restart?: RestartRule;
  /** Told when a process ended by itself and is started again. */
  readonly onRestart?: (name: string, exit: Exit) => void;
  /** Told when it is up again. */
  readonly onBack?: (name: string, ready: ReadyLine) => void;
  /** Told once when a process cannot be brought back: the system is not whole any more. */
  readonly onGivenUp?: (error: AffiantError, name: string) => void;
}

const defaultRestart: RestartRule = { maxRestarts: 5, delayMs: 200, stableAfterMs: 10_000 };

interface Supervised {
  readonly spec: ProgramSpec;
  run: RunningProcess;
  restarts: number;
  /** Ended by us, for good: what follows is not a crash. */
  dismissed: boolean;
}

/**
 * Keeps a set of processes running: starts them, starts again what ends by itself, and ends all of them, the last
 * started first, since the later ones lean on the earlier.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #supervised = new Map<string, Supervised>();
  readonly #watching = new Set<Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_PROCESS if its first run does not become ready */
  async start(spec: ProgramSpec): Promise<ReadyLine> {
    if (this.#stopped.signal.aborted) throw new AffiantError("ERR_UNAVAILABLE_PROCESS", "the system is being stopped");
    const run = new RunningProcess(spec, this.#options.environment);
    const entry: Supervised = { spec, run, restarts: 0, dismissed: false };
    this.#supervised.set(spec.name, entry);
    const ready = await entry.run.ready();
    const watch = this.#watch(entry).finally(() => this.#watching.delete(watch));
    this.#watching.add(watch);
    return ready;
  }

  /** Says something to a process. @returns false if it is not there to hear it */
  send(name: string, message: object): boolean {
    return this.#supervised.get(name)?.run.send(message) ?? false;
  }

  has(name: string): boolean {
    return this.#supervised.has(name);
  }

  /** Ends one process for good; the others run on. */
  async dismiss(name: string): Promise<void> {
    const entry = this.#supervised.get(name);
    if (!entry) return;
    entry.dismissed = true;
    this.#supervised.delete(name);
    await entry.run.stop();
  }

  /** Process ids by name: what is running now. */
  pids(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#supervised].map(([name, { run }]) => [name, run.pid]));
  }

  /** Ends everything, gently first. Safe to call twice and from a signal handler. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const { run } of [...this.#supervised.values()].reverse()) await run.stop();
    this.#supervised.clear();
    await Promise.allSettled(this.#watching);
  }

  async #watch(entry: Supervised): Promise<void> {
    for (;;) {
      const readyAt = Date.now();
      const exit = await entry.run.exited;
      if (this.#stopped.signal.aborted || entry.dismissed) return;
      if (Date.now() - readyAt >= this.#rule.stableAfterMs) entry.restarts = 0;
      this.#options.onRestart?.(entry.spec.name, exit);
      if (!(await this.#bringBack(entry))) return;
    }
  }

  async #bringBack(entry: Supervised): Promise<boolean> {
    let last: unknown;
    while (entry.restarts < this.#rule.maxRestarts) {
      const delayMs = this.#rule.delayMs * 2 ** entry.restarts++;
      await sleep(delayMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      if (this.#stopped.signal.aborted || entry.dismissed) return false;
      entry.run = new RunningProcess(entry.spec, this.#options.environment);
      try {
        const ready = await entry.run.ready();
        this.#options.onBack?.(entry.spec.name, ready);
        return true;
      } catch (error) {
        last = error;
        await entry.run.stop();
      }
    }
    if (this.#stopped.signal.aborted || entry.dismissed) return false;
    this.#options.onGivenUp?.(
      isAffiantError(last)
        ? last
        : new AffiantError("ERR_UNAVAILABLE_PROCESS", `${entry.spec.name} keeps ending by itself`, {
            hint: `See ${entry.spec.logPath}`,
          }),
      entry.spec.name,
    );
    return false;
  }

  get #rule(): RestartRule {
    return this.#options.restart ?? defaultRestart;
  }
}
