import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface ProgramOptions {
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdio?: StdioOptions;
  /** Told each time it is started, e.g. to serve a socket that it inherits. */
  readonly onSpawn?: (child: ChildProcess) => void;
  /** How often in a row a program that crashed is started again. Default 5. */
  readonly maxRestarts?: number;
  /** Waited before the first restart, doubled for each further one. Default 200. */
  readonly restartDelayMs?: number;
  /** A run of this length starts the count anew. Default 10,000. */
  readonly stableAfterMs?: number;
  /** How long it may take to end after SIGTERM. Default 10,000. */
  readonly stopGraceMs?: number;
  /** Told when a run ended by itself and another one follows. */
  readonly onCrash?: (exit: ProgramExit) => void;
  /** Awaited after the first run began: a program that loads more of itself when it starts is then whole. */
  readonly untilReady?: () => Promise<void>;
}

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs a program and starts it again when it crashes. One that ends with exit code 0 has done its work. Unlike the
 * orchestrator's supervisor it runs any program, not only ours, and hands its input and output through.
 */
export class SupervisedProgram {
  /** Settles when the program has ended for good: by itself, after too many crashes, or because it was stopped. */
  readonly ended: Promise<ProgramExit>;
  readonly #options: ProgramOptions;
  readonly #stopping = new AbortController();
  #child: ChildProcess;
  #runs = 0;

  private constructor(options: ProgramOptions) {
    this.#options = options;
    this.#child = this.#spawn();
    this.ended = this.#supervise();
  }

  /** @throws AffiantError ERR_INPUT_MEASURE if there is no such program */
  static async start(options: ProgramOptions): Promise<SupervisedProgram> {
    const program = new SupervisedProgram(options);
    await new Promise<void>((resolve, reject) => {
      program.#child.once("spawn", resolve);
      program.#child.once("error", (cause) =>
        reject(new AffiantError("ERR_INPUT_MEASURE", `${options.command[0]} cannot be started`, { cause })),
      );
    });
    try {
      await options.untilReady?.();
    } catch (error) {
      await program.stop();
      throw error;
    }
    return program;
  }

  /** Of the present run; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** Counts from 1. */
  get run(): number {
    return this.#runs;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.pid !== undefined) {
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), this.#options.stopGraceMs ?? 10_000);
      await this.ended;
      clearTimeout(timer);
    }
    await this.ended;
  }

  #spawn(): ChildProcess {
    const { command, cwd, env = process.env, stdio = "inherit" } = this.#options;
    const [program, ...args] = command;
    this.#runs++;
    // Compiled modules that Python would leave behind would change what is measured.
    const child = spawn(program, args, { cwd, env: { ...env, PYTHONDONTWRITEBYTECODE: "1" }, stdio });
    this.#options.onSpawn?.(child);
    return child;
  }

  async #supervise(): Promise<ProgramExit> {
    const { maxRestarts = 5, restartDelayMs = 200, stableAfterMs = 10_000 } = this.#options;
    for (let crashes = 0; ;) {
      const startedAt = performance.now();
      const exit = await exitOf(this.#child);
      if (exit.code === 0 || this.#stopping.signal.aborted) return exit;
      if (performance.now() - startedAt >= stableAfterMs) crashes = 0;
      if (crashes === maxRestarts) return exit;
      this.#options.onCrash?.(exit);
      const { signal } = this.#stopping;
      await sleep(restartDelayMs * 2 ** crashes++, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return exit;
      this.#child = this.#spawn();
    }
  }
}

function exitOf(child: ChildProcess): Promise<ProgramExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
}
