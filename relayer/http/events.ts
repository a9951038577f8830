import { Router, type Response } from "express";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { AddressOf } from "./rateLimit.ts";

/** Server-sent events (WHATWG HTML §9.2): what happens in the log, as it happens. */
export class EventHub {
  /** The oldest first, each with the address it is charged to. */
  readonly #clients = new Map<Response, string>();
  readonly #limit: number;
  readonly #limitEach: number;
  #nextId = 1;

  /** @param limit of all readers; @param limitEach of one address */
  constructor(limit = 1_000, limitEach = 32) {
    this.#limit = limit;
    this.#limitEach = limitEach;
  }

  get clients(): number {
    return this.#clients.size;
  }

  send(event: string, data: unknown): void {
    if (this.#clients.size === 0) return;
    const text = `id: ${this.#nextId++}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const client of this.#clients.keys()) {
      // A reader that does not keep up is cut off, so that it cannot fill this process's memory; it may come again.
      if (client.writableLength > 1_000_000) client.destroy();
      else client.write(text);
    }
  }

  /**
   * When all places are taken the oldest reader is cut off, and may come again: nobody who takes many keeps others out.
   * @throws AffiantError ERR_LIMIT_RATE if the address has its share
   */
  add(response: Response, address: string): void {
    const held = [...this.#clients.values()].filter((other) => other === address).length;
    if (held >= this.#limitEach) {
      throw new AffiantError("ERR_LIMIT_RATE", `${held} readers of this address listen already`);
    }
    const [oldest] = this.#clients.keys();
    if (this.#clients.size >= this.#limit && oldest) {
      this.#clients.delete(oldest);
      oldest.destroy();
    }
    this.#clients.set(response, address);
    response.on("close", () => this.#clients.delete(response));
  }

  close(): void {
    for (const client of this.#clients.keys()) client.end();
  }
}

export function eventsRouter(hub: EventHub, addressOf: AddressOf): Router {
  const router = Router();
  router.get("/v1/events", (request, response) => {
    hub.add(response, addressOf(request));
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": welcome\n\n");
  });
  return router;
}
