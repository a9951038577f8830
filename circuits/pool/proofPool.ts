import { Worker } from "node:worker_threads";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Groth16Proof } from "../../protocol/zk/groth16Proof.ts";
import type { VerificationKey } from "../../protocol/zk/keyGate.ts";
import type { ProofAnswer, ProofJob } from "./proofWorker.ts";

export interface ProofPoolOptions {
  readonly verificationKey: VerificationKey;
  readonly threads: number;
  /** Proofs under way at most, waiting ones among them. A proof takes some 10 ms of a core. */
  readonly limit: number;
}

interface Waiting {
  readonly resolve: (valid: boolean) => void;
  readonly reject: (error: AffiantError) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/** Checks Groth16 proofs on threads of their own, and no more at once than it can soon answer. Starts them when needed. */
export class ProofPool {
  readonly #options: ProofPoolOptions;
  #threads: Thread[] = [];
  #underWay = 0;
  #lastId = 0;
  #closed = false;

  constructor(options: ProofPoolOptions) {
    this.#options = options;
  }

  /**
   * Whether the proof proves the signals. Points outside of G2's subgroup pass here; the chain's precompile refuses them,
   * and so does the simulation before anything is sent.
   * @throws AffiantError ERR_UNAVAILABLE_QUEUE, ERR_UNAVAILABLE_STOPPING
   */
  async verify(proof: Groth16Proof, signals: readonly bigint[]): Promise<boolean> {
    if (this.#closed) throw stopping();
    if (this.#underWay >= this.#options.limit) {
      throw new AffiantError("ERR_UNAVAILABLE_QUEUE", `${this.#underWay} proofs are being checked already`);
    }
    const thread = this.#leastBusy();
    const job: ProofJob = { id: ++this.#lastId, proof, signals };
    this.#underWay++;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        thread.waiting.set(job.id, { resolve, reject });
        thread.worker.postMessage(job);
      });
    } finally {
      this.#underWay--;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #leastBusy(): Thread {
    const idle = this.#threads.find(({ waiting }) => waiting.size === 0);
    if (idle) return idle;
    if (this.#threads.length < this.#options.threads) return this.#start();
    return this.#threads.reduce((least, one) => (one.waiting.size < least.waiting.size ? one : least));
  }

  #start(): Thread {
    const worker = new Worker(new URL("./proofWorker.ts", import.meta.url), {
      // snarkjs loads a package that takes any worker thread for one of its own, runs the script `mod`, and takes
      // workerData away: an empty script, and nothing of ours in there.
      workerData: { mod: "data:text/javascript," },
    });
    worker.postMessage(this.#options.verificationKey);
    const thread: Thread = { worker, waiting: new Map() };
    worker.on("message", ({ id, valid }: ProofAnswer) => {
      thread.waiting.get(id)?.resolve(valid);
      thread.waiting.delete(id);
    });
    worker.on("error", () => undefined); // "exit" follows and does the work
    worker.on("exit", () => {
      // A thread that died takes its proofs with it: the callers may send them again, to another thread.
      this.#threads = this.#threads.filter((other) => other !== thread);
      for (const { reject } of thread.waiting.values()) reject(stopping());
      thread.waiting.clear();
    });
    this.#threads.push(thread);
    return thread;
  }
}

function stopping(): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_STOPPING", "the proof was not checked; send it again");
}
