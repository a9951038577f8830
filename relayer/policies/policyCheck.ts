import { Worker } from "node:worker_threads";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { PolicyAnswer } from "./policyWorker.ts";

export interface PolicyCheckOptions {
  /** Bundles being checked or waiting for it, at most. */
  readonly limit: number;
  /** Time for one bundle. The largest that Cedar's limits let through takes a second or two. */
  readonly timeoutMs: number;
}

const defaults: PolicyCheckOptions = { limit: 16, timeoutMs: 30_000 };

/**
 * Holds policy bundles to the language on a thread of their own, one after another: Cedar's validator takes 50 ms for an
 * ordinary bundle and seconds for a hostile one, in which the relayer answers everybody else. The thread ends when no
 * bundle waits, and takes with it what Cedar keeps of every bundle that it ever read.
 */
export class PolicyCheck {
  readonly #options: PolicyCheckOptions;
  #thread: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #underWay = 0;
  #closed = false;

  constructor(options: Partial<PolicyCheckOptions> = {}) {
    this.#options = { ...defaults, ...options };
  }

  /**
   * @param bundle canonical JSON
   * @throws AffiantError ERR_INPUT_POLICY with Cedar's or JSONata's words, ERR_UNAVAILABLE_QUEUE, ERR_UNAVAILABLE_STOPPING
   */
  async check(bundle: string): Promise<void> {
    if (this.#underWay >= this.#options.limit) {
      throw new AffiantError("ERR_UNAVAILABLE_QUEUE", `${this.#underWay} policies are being checked already`);
    }
    this.#underWay++;
    const turn = this.#last.then(() => this.#ask(bundle));
    this.#last = turn.catch(() => undefined);
    try {
      const refusal = await turn;
      if (refusal !== null) throw new AffiantError("ERR_INPUT_POLICY", refusal);
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) void this.#end();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  #ask(bundle: string): Promise<string | null> {
    if (this.#closed) throw notChecked();
    const thread = (this.#thread ??= new Worker(new URL("./policyWorker.ts", import.meta.url)));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new AffiantError("ERR_INPUT_POLICY", `checking the bundle took longer than ${this.#options.timeoutMs} ms`),
        );
        void this.#end();
      }, this.#options.timeoutMs);
      // A thread that breaks (memory, a trap of Cedar's) is replaced for the next bundle.
      const broke = () => {
        clearTimeout(timer);
        if (this.#thread === thread) this.#thread = undefined;
        reject(notChecked());
      };
      thread.once("error", () => undefined); // "exit" follows and does the work
      thread.once("exit", broke);
      thread.once("message", ({ refusal }: PolicyAnswer) => {
        clearTimeout(timer);
        thread.removeListener("exit", broke);
        resolve(refusal);
      });
      thread.postMessage(bundle);
    });
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}

function notChecked(): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_STOPPING", "the policy was not checked; send it again");
}
