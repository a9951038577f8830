import { type IncrementResponse, MemoryStore, type Options, type Store } from "express-rate-limit";
import { RedisStore } from "rate-limit-redis";

/** What is used of a connection to Redis. */
export interface SharedRedis {
  readonly connected: boolean;
  /** One command, as the wire has it. */
  send(command: readonly string[]): Promise<unknown>;
}

/** A Redis that takes longer is left alone for a while: a limit must not make every request wait for it. */
const patienceMs = 250;
const restMs = 5_000;

/**
 * Counts in Redis, where all processes of a relayer see it. While Redis does not answer each process counts for itself, as it
 * does its other work: a limit that several share in good times is one a process in bad ones, and never none.
 */
export class SharedCounts implements Store {
  readonly #redis: SharedRedis;
  readonly #here = new MemoryStore();
  readonly #now: () => number;
  readonly #prefix: string;
  #options: Options | undefined;
  #shared: RedisStore | undefined;
  #restUntilMs = 0;

  /** @param prefix keeps relayers apart that share one Redis */
  constructor(redis: SharedRedis, prefix: string, now: () => number = Date.now) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#now = now;
  }

  init(options: Options): void {
    this.#options = options;
    this.#here.init(options);
  }

  async increment(key: string): Promise<IncrementResponse> {
    if (this.#redis.connected && this.#now() >= this.#restUntilMs) {
      try {
        return await within(patienceMs, this.#incrementShared(key));
      } catch {
        // It begins anew afterwards: a Redis that was started again does not know the script.
        this.#shared = undefined;
        this.#restUntilMs = this.#now() + restMs;
      }
    }
    return this.#here.increment(key);
  }

  async decrement(key: string): Promise<void> {
    await this.#here.decrement(key);
  }

  async resetKey(key: string): Promise<void> {
    await this.#here.resetKey(key);
  }

  shutdown(): void {
    this.#here.shutdown();
  }

  async #incrementShared(key: string): Promise<IncrementResponse> {
    if (!this.#shared) {
      const store = new RedisStore({
        prefix: this.#prefix,
        sendCommand: (...command: string[]) => this.#redis.send(command) as Promise<never>,
      });
      await store.init(this.#options as Options);
      this.#shared = store;
    }
    return this.#shared.increment(key);
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), ms);
  });
  work.catch(() => undefined); // who comes too late has nobody to tell
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
