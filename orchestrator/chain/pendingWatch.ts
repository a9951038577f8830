import { setTimeout as sleep } from "node:timers/promises";

/** Between looks at the pool, in case that no word of a transaction came. */
const lookEveryMs = 2_000;

/** Is told by the chain when there is something to mine, instead of asking ten times a second. */
export class PendingWatch {
  readonly #socket: WebSocket;
  #woken = Promise.withResolvers<void>();

  /** @param url http(s), as for JSON-RPC */
  constructor(url: string) {
    this.#socket = new WebSocket(url.replace(/^http/, "ws"));
    this.#socket.onopen = () => {
      this.#socket.send(
        JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newPendingTransactions"] }),
      );
    };
    this.#socket.onmessage = () => this.wake();
    // Without the socket the pool is looked at once in a while: slower, and not wrong.
    this.#socket.onerror = () => undefined;
  }

  wake(): void {
    this.#woken.resolve();
  }

  /** Until something may be there to mine, `withinMs` at the latest. */
  async something(withinMs: number): Promise<void> {
    const late = new AbortController();
    const pause = sleep(Math.min(withinMs, lookEveryMs), undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([this.#woken.promise, pause]);
    late.abort();
    this.#woken = Promise.withResolvers<void>();
  }

  close(): void {
    this.#socket.close();
  }
}
