import { setTimeout as sleep } from "node:timers/promises";

import { type AskAll, askHead } from "./askHead.ts";
import type { BlockWatch } from "./blockWatch.ts";

const shortestMs = 250;
const longestMs = 60_000;

/**
 * Tells a watch of each block: by a subscription where the endpoint has one, and by a question when the next block is due.
 * Never more than a few questions a block: the pause follows the chain's own pace.
 * @param onTrouble told when the endpoint does not answer; it is asked again
 */
export async function followHead(
  watch: BlockWatch,
  ask: AskAll,
  stop: AbortSignal,
  options: { readonly subscribeAt?: string; readonly onTrouble?: (error: unknown) => void } = {},
): Promise<void> {
  const subscription = options.subscribeAt === undefined ? undefined : new HeadSubscription(options.subscribeAt);
  stop.addEventListener("abort", () => subscription?.close(), { once: true });
  let [known, seenAtMs, paceMs] = [-1, performance.now(), 2_000];
  while (!stop.aborted) {
    let pauseMs = paceMs;
    try {
      const head = await askHead(ask);
      watch.told(head);
      const now = performance.now();
      if (known >= 0 && head.number > known) {
        const each = (now - seenAtMs) / (head.number - known);
        paceMs = Math.min(longestMs, Math.max(shortestMs, 0.7 * paceMs + 0.3 * each));
      }
      if (head.number !== known) [known, seenAtMs, pauseMs] = [head.number, now, paceMs];
      // It is due: a little more patience with each look, so that a chain that stands still is hardly asked.
      else pauseMs = Math.max(paceMs / 2, (now - seenAtMs) / 4);
    } catch (error) {
      options.onTrouble?.(error);
      pauseMs = Math.min(5_000, paceMs);
    }
    const rest = sleep(Math.min(longestMs, Math.max(shortestMs, pauseMs)), undefined, { signal: stop });
    await Promise.race([rest.catch(() => undefined), ...(subscription ? [subscription.next()] : [])]);
  }
}

/** `eth_subscribe` over a WebSocket. An endpoint without one is one that never tells anything. */
class HeadSubscription {
  readonly #socket: WebSocket | undefined;
  #go: () => void = () => undefined;

  constructor(url: string) {
    try {
      this.#socket = new WebSocket(url);
      const request = { jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] };
      this.#socket.onopen = () => this.#socket?.send(JSON.stringify(request));
      this.#socket.onmessage = ({ data }) => {
        if (String(data).includes("eth_subscription")) this.#go();
      };
      this.#socket.onerror = () => undefined;
    } catch {
      // Not an address for one.
    }
  }

  next(): Promise<void> {
    return new Promise((resolve) => (this.#go = resolve));
  }

  close(): void {
    this.#socket?.close();
  }
}
