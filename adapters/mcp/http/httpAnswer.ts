import type { ServerResponse } from "node:http";

import { writeEvent } from "./events.ts";

/** Who waits in silence for longer gets a stream, on which a sign of life can be given. */
const silenceMs = 15_000;
/** A client that reads no faster is cut off. */
const maxUnreadBytes = 64 << 20;

/** The answer to one POST, or the stream of one GET: one JSON document, or a stream once something comes before it. */
export class HttpAnswer {
  /** Told once when the client goes before it has its answer. */
  onGone: (() => void) | undefined;
  readonly #response: ServerResponse;
  readonly #mayStream: boolean;
  readonly #headers: Readonly<Record<string, string>>;
  #isStream = false;
  #isDone = false;
  readonly #signOfLife: NodeJS.Timeout;

  constructor(response: ServerResponse, mayStream: boolean, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response;
    this.#mayStream = mayStream;
    this.#headers = headers;
    this.#signOfLife = setInterval(() => this.#live(), silenceMs).unref();
    response.once("close", () => {
      clearInterval(this.#signOfLife);
      if (this.#isDone) return;
      this.#isDone = true;
      this.onGone?.();
    });
  }

  get isOpen(): boolean {
    return !this.#isDone;
  }

  /** A stream from the start. */
  stream(): void {
    if (this.#isStream || this.#isDone) return;
    this.#isStream = true;
    this.#response.writeHead(200, {
      ...this.#headers,
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    this.#response.flushHeaders();
  }

  /** Something that comes before the answer. @returns false where this client takes no stream, or is gone */
  tell(text: string): boolean {
    if (this.#isDone || !this.#mayStream) return false;
    this.stream();
    writeEvent(this.#response, text);
    if (this.#response.writableLength > maxUnreadBytes) this.#response.destroy();
    return true;
  }

  finish(text: string, status = 200): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearInterval(this.#signOfLife);
    if (this.#isStream) {
      writeEvent(this.#response, text);
      this.#response.end();
    } else {
      this.#response.writeHead(status, { ...this.#headers, "content-type": "application/json" }).end(text);
    }
  }

  /** Accepted, without a body; or the end of a stream. */
  end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearInterval(this.#signOfLife);
    if (!this.#isStream) this.#response.writeHead(202, this.#headers);
    this.#response.end();
  }

  #live(): void {
    if (this.#isDone || !this.#mayStream) return;
    this.stream();
    this.#response.write(":\n\n");
  }
}
