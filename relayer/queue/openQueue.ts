import type { Logger } from "pino";

import { EmbeddedQueue } from "./embeddedQueue.ts";
import type { WorkQueue } from "./workQueue.ts";

export interface QueueSettings {
  readonly redisUrl: string | undefined;
  readonly redisAllowUnsafe: boolean;
}

/**
 * @param name tells relayers apart that share one Redis
 * @throws AffiantError ERR_INPUT_REDIS for a Redis that forgets
 */
export async function openQueue(settings: QueueSettings, name: string, logger: Logger): Promise<WorkQueue> {
  const { redisUrl, redisAllowUnsafe } = settings;
  if (redisUrl === undefined) return new EmbeddedQueue();
  // Loaded only where it is used: BullMQ and its driver are half of what a relayer without them takes to start.
  const [{ RedisConnection }, { RedisQueue }] = await Promise.all([
    import("./redisConnection.ts"),
    import("./redisQueue.ts"),
  ]);
  const redis = await RedisConnection.open({ url: redisUrl, allowUnsafe: redisAllowUnsafe }, logger);
  return new RedisQueue(redis, `affiant:${name}`, logger);
}
