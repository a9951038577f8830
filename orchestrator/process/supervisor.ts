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
  /** Told once when a process cannot be brought back: the system is not whole any more. */
  readonly onGivenUp?: (error: AffiantError) => void;
}

const defaultRestart: RestartRule = { maxRestarts: 5, delayMs: 200, stableAfterMs: 10_000 };

interface Supervised {
  readonly spec: ProgramSpec;
  run: RunningProcess;
  restarts: number;
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
    const entry: Supervised = { spec, run: new RunningProcess(spec, this.#options.environment), restarts: 0 };
    this.#supervised.set(spec.name, entry);
    const ready = await entry.run.ready();
    const watch = this.#watch(entry).finally(() => this.#watching.delete(watch));
    this.#watching.add(watch);
    return ready;
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
      if (this.#stopped.signal.aborted) return;
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
      if (this.#stopped.signal.aborted) return false;
      entry.run = new RunningProcess(entry.spec, this.#options.environment);
      try {
        await entry.run.ready();
        return true;
      } catch (error) {
        last = error;
        await entry.run.stop();
      }
    }
    if (this.#stopped.signal.aborted) return false;
    this.#options.onGivenUp?.(
      isAffiantError(last)
        ? last
        : new AffiantError("ERR_UNAVAILABLE_PROCESS", `${entry.spec.name} keeps ending by itself`, {
            hint: `See ${entry.spec.logPath}`,
          }),
    );
    return false;
  }

  get #rule(): RestartRule {
    return this.#options.restart ?? defaultRestart;
  }
}
