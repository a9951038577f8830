import { setTimeout as sleep } from "node:timers/promises";

import { nextBlockMethod } from "./serveWatch.ts";

/** A watch that was not there is tried again after so long: the endpoint may be of another kind. */
const retryMs = 30_000;

/** Lets time pass as blocks come. */
export interface Blocks {
  next(pauseMs: number, withinMs: number, signal?: AbortSignal): Promise<void>;
}

/** Where nobody tells of blocks. */
export const withoutWatch: Blocks = {
  next: (pauseMs, _withinMs, signal) => sleep(pauseMs, undefined, { signal }).catch(() => undefined),
};

/** Waits for blocks at an endpoint: told by the host's watch where the endpoint is one, else after a pause. */
export class BlockWaiter implements Blocks {
  readonly #url: string;
  #known: string | undefined;
  #withoutUntil = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Until another block is the newest than when this was asked last.
   * @param pauseMs how long to wait where nobody tells
   * @param withinMs how long at most where somebody does
   */
  async next(pauseMs: number, withinMs: number, signal?: AbortSignal): Promise<void> {
    if (performance.now() < this.#withoutUntil) {
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      return;
    }
    const askedAtMs = performance.now();
    const late = AbortSignal.timeout(withinMs + 5_000);
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: nextBlockMethod, params: [this.#known, withinMs] }),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
      const { result } = (await response.json()) as { result?: { hash: string } | null };
      if (result === undefined) {
        this.#withoutUntil = performance.now() + retryMs;
        return await this.next(pauseMs, withinMs, signal);
      }
      const isNews = typeof result?.hash === "string" && result.hash !== this.#known;
      this.#known = result?.hash ?? this.#known;
      // Who answers at once and has nothing new is no watch: it must not be asked without a pause.
      const left = pauseMs - (performance.now() - askedAtMs);
      if (!isNews && left > 0) await sleep(left, undefined, { signal });
    } catch {
      // It is away, or this was called off.
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
