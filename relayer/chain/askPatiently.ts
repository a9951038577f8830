import { setTimeout as sleep } from "node:timers/promises";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";

const pausesMs = [250, 500, 1_000];

/**
 * Asks the chain again where nobody answered, three times: an answer that gets lost must not end a process that starts,
 * nor a provider's limit.
 * @param ask may be run more than once
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if nobody answers the last time either; whatever else `ask` throws, at once
 */
export async function askPatiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await ask();
    } catch (error) {
      if (!isAffiantError(error, "ERR_UNAVAILABLE_CHAIN")) throw error;
      await sleep(pauseMs);
    }
  }
  return ask();
}
