import { setTimeout as sleep } from "node:timers/promises";

/** Waits until something is true. The test's own timeout is the only limit, so that a slow machine fails nothing. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}
