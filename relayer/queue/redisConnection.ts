import { Redis } from "ioredis";
import type { Logger } from "pino";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { parseInfo, redisWeaknesses } from "./redisSafety.ts";

export interface RedisSettings {
  /** `redis://` or `rediss://`; it may hold a password and is never logged. */
  readonly url: string;
  /** Go on with a Redis that forgets. */
  readonly allowUnsafe: boolean;
}

/** How long the start waits for Redis before it goes on without. */
const firstAnswerMs = 2_000;

/** One Redis, watched: whether it answers, and whether it is one that forgets. */
export class RedisConnection {
  readonly client: Redis;
  readonly #url: string;
  readonly #logger: Logger;
  readonly #blocking: Redis[] = [];
  #weaknesses: readonly string[] = [];
  #said: boolean | undefined;

  private constructor({ url }: RedisSettings, logger: Logger) {
    this.#url = url;
    this.#logger = logger;
    // A command of a Redis that is away fails at once: the caller goes on by itself.
    this.client = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      connectTimeout: firstAnswerMs,
      retryStrategy,
    });
    this.client.on("error", () => this.#say(false));
    this.client.on("ready", () => this.#say(true));
  }

  /**
   * Connects; a Redis that does not answer is no reason not to start, one that is known to forget is.
   * @throws AffiantError ERR_INPUT_REDIS
   */
  static async open(settings: RedisSettings, logger: Logger): Promise<RedisConnection> {
    const connection = new RedisConnection(settings, logger);
    if (await connection.#firstAnswer()) await connection.inspect();
    if (connection.#weaknesses.length > 0 && !settings.allowUnsafe) {
      connection.close();
      throw new AffiantError("ERR_INPUT_REDIS", connection.#weaknesses.join("; "), {
        details: { weaknesses: connection.#weaknesses },
        hint: "mend redis.conf, or set AFFIANT_REDIS_ALLOW_UNSAFE=1 to accept late work",
      });
    }
    for (const weakness of connection.#weaknesses) logger.warn({ weakness }, "this Redis forgets");
    return connection;
  }

  get connected(): boolean {
    return this.client.status === "ready";
  }

  get weaknesses(): readonly string[] {
    return this.#weaknesses;
  }

  /** One command, as the wire has it. Fails at once while Redis is away. */
  send([command = "", ...words]: readonly string[]): Promise<unknown> {
    return this.client.call(command, ...words);
  }

  /** A connection of its own for a worker, which waits in it: there a command may wait for Redis to come back. */
  blocking(): Redis {
    const client = new Redis(this.#url, { maxRetriesPerRequest: null, retryStrategy });
    client.on("error", () => this.#say(false));
    this.#blocking.push(client);
    return client;
  }

  /** Reads again whether this Redis forgets: after a restart it may have other settings. */
  async inspect(): Promise<void> {
    this.#weaknesses = redisWeaknesses(parseInfo(await this.client.info()));
  }

  close(): void {
    for (const client of [this.client, ...this.#blocking]) client.disconnect();
  }

  #firstAnswer(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), firstAnswerMs);
      this.client.once("ready", () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** One line a change, not one an attempt; never the address, which may hold a password. */
  #say(connected: boolean): void {
    if (this.#said === connected) return;
    this.#said = connected;
    if (connected) this.#logger.info("Redis answers");
    else this.#logger.warn("Redis does not answer: going on from the journal alone");
  }
}

function retryStrategy(attempt: number): number {
  return Math.min(100 * attempt, 2_000);
}
