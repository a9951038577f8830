import { Worker } from "node:worker_threads";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { joinRuns, type LeafRun, sliceRun } from "./leafRun.ts";
import {
  type PackedSubmissions,
  type PackedVerifications,
  unpackVerification,
  unpackVerifications,
} from "./packing.ts";
import type { Verification } from "./verifiedEntry.ts";

/**
 * Submissions that go to a thread in one message: enough to pay for the message, few enough to share the work. Of singles
 * fewer, since each waits for the others.
 */
const batchChunk = 128;
const singlesChunk = 64;

/** A thread checks and forgets: it needs little memory, and V8 must not keep much for it. */
const resourceLimits = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 4 };

interface Waiting {
  readonly resolve: (packed: PackedVerifications) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  load: number;
}

interface Single {
  readonly run: LeafRun;
  readonly resolve: (verification: Verification) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Checks entries on threads of their own, so that signatures never hold up HTTP or commits. Single submissions gather
 * while the threads are busy and then share a message: the more come, the fewer messages each of them costs.
 */
export class VerifyPool {
  readonly #threads: Thread[] = [];
  #singles: Single[] = [];
  #flushing = false;
  #nextId = 0;
  #closed = false;

  constructor(threads: number) {
    for (let i = 0; i < threads; i++) this.#threads.push(this.#start());
  }

  /** One verification an entry, in order. @param from of these entries of the run: `from <= i < to` */
  async verify(run: LeafRun, from = 0, to = run.bounds.length / 2): Promise<Verification[]> {
    const chunks: Promise<Verification[]>[] = [];
    for (let at = from; at < to; at += batchChunk) {
      const slice = sliceRun(run, at, Math.min(to, at + batchChunk));
      chunks.push(this.#dispatch(slice).then((packed) => unpackVerifications(packed, run, at)));
    }
    return (await Promise.all(chunks)).flat();
  }

  /** @param run of one entry */
  verifyOne(run: LeafRun): Promise<Verification> {
    return new Promise((resolve, reject) => {
      this.#singles.push({ run, resolve, reject });
      this.#flushSoon();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flushSingles();
    });
  }

  #flushSingles(): void {
    while (this.#singles.length > 0) {
      const free = this.#threads.filter(({ load }) => load === 0).length;
      if (free === 0 && this.#singles.length < singlesChunk) return; // the next answer flushes
      // Those who came together share the threads that are free: each waits for half the signatures, not for all.
      const chunk = this.#singles.slice(0, Math.min(singlesChunk, Math.ceil(this.#singles.length / Math.max(1, free))));
      this.#singles = this.#singles.slice(chunk.length);
      this.#dispatch(joinRuns(chunk.map(({ run }) => run))).then(
        (packed) => chunk.forEach(({ run, resolve }, i) => resolve(unpackVerification(packed, i, run, 0))),
        (error: Error) => chunk.forEach((single) => single.reject(error)),
      );
    }
  }

  /** @param run in bytes of its own, which go to the thread and are gone here */
  async #dispatch(run: LeafRun): Promise<PackedVerifications> {
    if (this.#closed) throw stopping();
    const thread = this.#threads.reduce((least, one) => (one.load < least.load ? one : least));
    const id = this.#nextId++;
    const count = run.bounds.length / 2;
    thread.load += count;
    try {
      return await new Promise<PackedVerifications>((resolve, reject) => {
        thread.waiting.set(id, { resolve, reject });
        thread.worker.postMessage({ id, run } satisfies PackedSubmissions, [run.bytes.buffer as ArrayBuffer]);
      });
    } finally {
      thread.load -= count;
      if (this.#singles.length > 0) this.#flushSoon();
    }
  }

  #start(): Thread {
    const waiting = new Map<number, Waiting>();
    const worker = new Worker(new URL("./verifyWorker.ts", import.meta.url), { resourceLimits });
    const thread: Thread = { worker, waiting, load: 0 };
    worker.on("message", (packed: PackedVerifications) => {
      const one = waiting.get(packed.id);
      waiting.delete(packed.id);
      one?.resolve(packed);
    });
    worker.on("error", () => undefined); // "exit" follows and does the work
    worker.on("exit", () => {
      // A thread that died (out of memory, say) takes its entries with it: the callers may send them again.
      for (const { reject } of waiting.values()) reject(stopping());
      waiting.clear();
      const at = this.#threads.indexOf(thread);
      if (!this.#closed && at >= 0) this.#threads[at] = this.#start();
    });
    return thread;
  }
}

function stopping(): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_STOPPING", "the entry was not checked; send it again");
}
