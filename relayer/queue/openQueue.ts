import type { Logger } from "pino";

import { EmbeddedQueue } from "./embeddedQueue.ts";
import type { RedisConnection } from "./redisConnection.ts";
import type { WorkQueue } from "./workQueue.ts";

export interface QueueSettings {
  readonly redisUrl: string | undefined;
  readonly redisAllowUnsafe: boolean;
}

export interface OpenQueue {
  readonly queue: WorkQueue;
  /** Undefined where this process is alone. The queue closes it. */
  readonly redis: RedisConnection | undefined;
}

/**
 * @param name tells relayers apart that share one Redis
 * @throws AffiantError ERR_INPUT_REDIS for a Redis that forgets
 */
export async function openQueue(settings: QueueSettings, name: string, logger: Logger): Promise<OpenQueue> {
  const { redisUrl, redisAllowUnsafe } = settings;
  if (redisUrl === undefined) return { queue: new EmbeddedQueue(), redis: undefined };
  // Loaded only where it is used: BullMQ and its driver are half of what a relayer without them takes to start.
  const [{ RedisConnection }, { RedisQueue }] = await Promise.all([
    import("./redisConnection.ts"),
    import("./redisQueue.ts"),
  ]);
  const redis = await RedisConnection.open({ url: redisUrl, allowUnsafe: redisAllowUnsafe }, logger);
  return { queue: new RedisQueue(redis, `affiant:${name}`, logger), redis };
}
