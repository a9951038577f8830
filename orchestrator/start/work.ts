import { setTimeout as sleep } from "node:timers/promises";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** What an agent answers to `GET /v1/status`: its steps by how they ended, and the tasks that wait. */
export interface WorkStatus {
  readonly waiting: number;
  readonly done: number;
  readonly refused: number;
}

/**
 * Asks all agents how far they are. One that does not answer, because it is being started again, counts as unknown.
 * @returns undefined if one of them does not answer
 */
export async function statusOf(urls: readonly string[]): Promise<WorkStatus | undefined> {
  const answers = await Promise.all(urls.map(fetchStatus));
  let sum: WorkStatus = { waiting: 0, done: 0, refused: 0 };
  for (const answer of answers) {
    if (!answer) return undefined;
    sum = {
      waiting: sum.waiting + answer.waiting,
      done: sum.done + answer.done,
      refused: sum.refused + answer.refused,
    };
  }
  return sum;
}

/**
 * Waits until no agent has a task waiting.
 * @throws AffiantError ERR_UNAVAILABLE_PROCESS when `stop` is signalled
 */
export async function workedThrough(
  urls: readonly string[],
  stop: AbortSignal,
  onStatus: (status: WorkStatus) => void,
): Promise<WorkStatus> {
  for (;;) {
    if (stop.aborted) throw new AffiantError("ERR_UNAVAILABLE_PROCESS", "stopped before the work was done");
    const status = await statusOf(urls);
    if (status) {
      onStatus(status);
      if (status.waiting === 0) return status;
    }
    await sleep(200, undefined, { signal: stop }).catch(() => undefined);
  }
}

async function fetchStatus(url: string): Promise<WorkStatus | undefined> {
  try {
    const response = await fetch(`${url}/v1/status`, { signal: AbortSignal.timeout(5_000) });
    return response.ok ? ((await response.json()) as WorkStatus) : undefined;
  } catch {
    return undefined;
  }
}
