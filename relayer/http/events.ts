import { Router, type Response } from "express";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** Server-sent events (WHATWG HTML §9.2): what happens in the log, as it happens. */
export class EventHub {
  readonly #clients = new Set<Response>();
  readonly #limit: number;
  #nextId = 1;

  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  get clients(): number {
    return this.#clients.size;
  }

  send(event: string, data: unknown): void {
    if (this.#clients.size === 0) return;
    const text = `id: ${this.#nextId++}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const client of this.#clients) {
      // A reader that does not keep up is cut off, so that it cannot fill this process's memory; it may come again.
      if (client.writableLength > 1_000_000) client.destroy();
      else client.write(text);
    }
  }

  /** @returns whether there was room */
  add(response: Response): boolean {
    if (this.#clients.size >= this.#limit) return false;
    this.#clients.add(response);
    response.on("close", () => this.#clients.delete(response));
    return true;
  }

  close(): void {
    for (const client of this.#clients) client.end();
  }
}

export function eventsRouter(hub: EventHub): Router {
  const router = Router();
  router.get("/v1/events", (_request, response) => {
    if (!hub.add(response)) {
      throw new AffiantError("ERR_UNAVAILABLE_QUEUE", "too many readers listen already");
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": welcome\n\n");
  });
  return router;
}
