import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { localOnly } from "../../host/http/hostCheck.ts";
import { checked } from "../../host/http/hostGuard.ts";

/** What a proxy does to one request. `lose` forwards it and drops the answer; `drop` never forwards it. */
export type Fault =
  | { readonly kind: "lose" }
  | { readonly kind: "drop" }
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  | { readonly kind: "cut" };

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}

/** An HTTP proxy in front of a server that breaks requests as told, and remembers every one that it saw. */
export class FaultProxy {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  readonly #target: string;
  #plan: (request: Seen, nth: number) => Fault | undefined = () => undefined;

  #rewrite: { path: RegExp; change: (text: string) => string } | undefined;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer(checked(localOnly(), (request, response) => void this.#serve(request, response)));
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Decides about each request from now on; `nth` counts those to this path pattern from 0. */
  when(method: string, path: RegExp, fault: (nth: number, request: Seen) => Fault | undefined): void {
    let count = 0;
    this.#plan = (request) =>
      request.method === method && path.test(request.path) ? fault(count++, request) : undefined;
  }

  /** Decides about every request from now on. */
  plan(fault: (request: Seen) => Fault | undefined): void {
    this.#plan = fault;
  }

  /** Changes what the server answers, from now on. */
  rewrite(path: RegExp, change: (text: string) => string): void {
    this.#rewrite = { path, change };
  }

  heal(): void {
    this.#plan = () => undefined;
    this.#rewrite = undefined;
  }

  bodies(path: RegExp): string[] {
    return this.seen.filter((request) => path.test(request.path)).map(({ body }) => body);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "GET", url: path = "/", headers } = request;
    const seen = { method, path, headers, body: Buffer.concat(chunks).toString() };
    this.seen.push(seen);
    const fault = this.#plan(seen, this.seen.length);
    if (fault?.kind === "drop") return void response.destroy();
    if (fault?.kind === "answer") {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    const { host: _host, connection: _connection, "content-length": _length, ...passed } = headers;
    const answer = await fetch(this.#target + path, {
      method,
      headers: passed as Record<string, string>,
      ...(seen.body === "" ? {} : { body: seen.body }),
    }).catch(() => undefined);
    if (!answer || fault?.kind === "lose") return void response.destroy();
    const original = await answer.text();
    const text = this.#rewrite?.path.test(path) ? this.#rewrite.change(original) : original;
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
    if (fault?.kind !== "cut") return void response.end(text);
    // Half an answer, then the line goes dead.
    response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy());
  }
}
