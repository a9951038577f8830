import { randomUUID } from "node:crypto";

import { type Job, Queue, Worker } from "bullmq";
import type { Logger } from "pino";

import { EmbeddedQueue } from "./embeddedQueue.ts";
import type { RedisConnection } from "./redisConnection.ts";
import type { QueueStatus, TaskName, Work, WorkQueue } from "./workQueue.ts";

/** How often it is looked whether Redis still has what it was told. */
const lookEveryMs = 1_000;
/** A wake that nobody took within this time no longer stands for later ones. */
const dedupeMs = 2_000;
/** A process that is gone leaves its mark no longer than this. */
const markSec = 60;

/**
 * Wakes across processes by BullMQ, one queue a task: whoever serves the task takes them. While Redis does not answer, or
 * after it forgot, each process goes on with what it serves itself: an embedded queue is inside.
 */
export class RedisQueue implements WorkQueue {
  readonly #redis: RedisConnection;
  readonly #prefix: string;
  /** Of this process alone: each finds out by itself, and each has repeats of its own to restore. */
  readonly #mark: string;
  readonly #logger: Logger;
  readonly #here = new EmbeddedQueue();
  readonly #queues = new Map<TaskName, Queue>();
  readonly #workers = new Map<TaskName, Worker>();
  readonly #repeats = new Map<TaskName, number>();
  readonly #rebuilds: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  #wasLost = true;
  #looking: Promise<void> | undefined;

  /** @param prefix keeps relayers apart that share one Redis */
  constructor(redis: RedisConnection, prefix: string, logger: Logger) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#mark = `${prefix}:here:${randomUUID()}`;
    this.#logger = logger;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    }, lookEveryMs);
  }

  serve(name: TaskName, work: Work): void {
    this.#here.serve(name, work);
    const worker = new Worker(name, (job: Job) => this.#take(name, job), {
      connection: this.#redis.blocking(),
      prefix: this.#prefix,
      concurrency: 1,
      // A process that died with a task in hand: the others learn it after this time. It is a wake that is late, no more.
      lockDuration: 10_000,
      stalledInterval: 5_000,
      maxStalledCount: 3,
    });
    worker.on("error", (error) =>
      this.#logger.debug({ task: name, why: error.message }, "the queue's worker complains"),
    );
    this.#workers.set(name, worker);
  }

  async leave(name: TaskName): Promise<void> {
    this.#repeats.delete(name);
    const worker = this.#workers.get(name);
    this.#workers.delete(name);
    await this.#here.leave(name);
    // Forced: the task has ended just now, and a Redis that is away must not keep this process from ending.
    await worker?.close(true).catch(() => undefined);
  }

  wake(name: TaskName, delayMs = 0): void {
    void this.#add(name, delayMs).catch(() => {
      this.#wasLost = true;
      this.#here.wake(name, delayMs);
    });
  }

  wakeHere(name: TaskName): void {
    this.#here.wake(name);
  }

  repeat(name: TaskName, everyMs: number): void {
    this.#repeats.set(name, everyMs);
    void this.#schedule(name, everyMs).catch(() => (this.#wasLost = true));
    // What the scheduler in Redis does while there is one; a tick that finds it in order does nothing.
    this.#here.repeatWhile(name, everyMs, () => !this.#redis.connected);
  }

  onLost(rebuild: () => void): void {
    this.#rebuilds.push(rebuild);
  }

  status(): QueueStatus {
    const { connected, weaknesses } = this.#redis;
    const troubles = connected ? weaknesses : ["Redis does not answer: each process goes on from the journal alone"];
    return { backend: "redis", connected, troubles };
  }

  async depth(): Promise<number | undefined> {
    // BullMQ would wait for Redis, however long.
    if (!this.#redis.connected) return undefined;
    try {
      const counts = await Promise.all(
        [...this.#workers.keys()].map((name) => this.#queue(name).getJobCountByTypes("waiting", "active", "delayed")),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    } catch {
      return undefined; // unknown is not zero
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all([...this.#workers.keys()].map((name) => this.leave(name)));
    await this.#here.close();
    this.#redis.close();
    await Promise.all([...this.#queues.values()].map((queue) => queue.close().catch(() => undefined)));
  }

  async #take(name: TaskName, job: Job): Promise<void> {
    // From here on a wake is one more run: what it was for may have come after this run looked.
    const { deduplicationId } = job;
    if (deduplicationId !== undefined) await this.#queue(name).removeDeduplicationKey(deduplicationId);
    await this.#here.runNow(name);
  }

  async #add(name: TaskName, delayMs: number): Promise<void> {
    if (!this.#redis.connected) throw new Error("Redis does not answer");
    await this.#queue(name).add(
      name,
      {},
      {
        delay: delayMs,
        deduplication: { id: `${name}:${delayMs > 0 ? "later" : "now"}`, ttl: Math.max(dedupeMs, delayMs) },
        attempts: 8,
        backoff: { type: "exponential", delay: 250 },
        removeOnComplete: true,
        removeOnFail: 100,
      },
    );
  }

  async #schedule(name: TaskName, everyMs: number): Promise<void> {
    const queue = this.#queue(name);
    if (!this.#redis.connected) throw new Error("Redis does not answer");
    if ((await queue.getJobScheduler(name))?.every === everyMs) return;
    const opts = { removeOnComplete: true, removeOnFail: 100 };
    await queue.upsertJobScheduler(name, { every: everyMs }, { name, data: {}, opts });
  }

  #queue(name: TaskName): Queue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = new Queue(name, { connection: this.#redis.client, prefix: this.#prefix });
      queue.on("error", (error) => this.#logger.debug({ task: name, why: error.message }, "the queue complains"));
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Whether Redis came back, or forgot: both show in a mark that this process left there. */
  async #look(): Promise<void> {
    try {
      if (!this.#redis.connected) throw new Error("Redis does not answer");
      const isNew = (await this.#redis.client.set(this.#mark, "1", "EX", markSec, "GET")) === null;
      if (!isNew && !this.#wasLost) return;
      await this.#redis.inspect();
      for (const [name, everyMs] of this.#repeats) await this.#schedule(name, everyMs);
      this.#wasLost = false;
      if (isNew) this.#logger.info("the queue in Redis is new: filling it from the journal");
      for (const rebuild of this.#rebuilds) rebuild();
    } catch {
      this.#wasLost = true;
    }
  }
}
