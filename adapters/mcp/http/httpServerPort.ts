import type { IncomingMessage } from "node:http";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import type { MessagePort, PortFailure } from "../messagePort.ts";
import { isBad, isObject, type McpMessage, readMcpMessage } from "../readMessage.ts";
import { versionOfParams } from "../versions.ts";
import { readEvents, type StreamEnd } from "./events.ts";
import { type HeaderedArguments, headeredArguments, headersOfArguments, headersOfMessage } from "./requestHead.ts";
import { readText, send } from "./sendRequest.ts";

/** Where the server is, and what it is told with each request. */
export interface HttpServer {
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Credentials that can be renewed: asked before each request, and told when the server did not take them. */
  readonly credentials?: Credentials;
  /** Of one message. */
  readonly maxBytes: number;
}

export interface Credentials {
  /** The value of `Authorization`; undefined while there is none. */
  authorization(): Promise<string | undefined>;
  /** @returns whether there are other credentials now, so that it is worth asking again */
  refused(challenge: string | undefined): Promise<boolean>;
}

/** A request that waits for its answer. */
interface InFlight {
  readonly message: McpMessage;
  readonly stop: AbortController;
  isAnswered: boolean;
  isCancelled: boolean;
}

const maxResumptions = 5;
const defaultRetryMs = 1_000;
const maxRetryMs = 30_000;
/** A server that leaves a notification without an answer for longer does not hold up what comes after it. */
const notificationMs = 30_000;

/**
 * A server behind streamable HTTP, in its sessions (2025-11-25 and older) and stateless (2026-07-28), on the bytes that come:
 * messages are read to know where they belong, and never printed anew. Each request is on its way by itself: a slow one holds
 * up no other. A request that will get no answer is told of by `onFailure`.
 */
export class HttpServerPort implements MessagePort {
  onText: ((text: string, httpStatus?: number) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  onFailure: ((failure: PortFailure) => void) | undefined;
  readonly #server: HttpServer;
  readonly #passed: Readonly<Record<string, string>>;
  readonly #closed = new AbortController();
  readonly #inFlight = new Map<string, InFlight>();
  #session: string | undefined;
  #version: string | undefined;
  /** What opened the session, so that it can be opened again when the server has forgotten it. */
  #initialize: McpMessage | undefined;
  #initialized: McpMessage | undefined;
  #renewing: Promise<boolean> | undefined;
  #headered: HeaderedArguments = new Map();

  /** @param passed headers of this conversation's client */
  constructor(server: HttpServer, passed: Readonly<Record<string, string>> = {}) {
    this.#server = server;
    this.#passed = passed;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async send(text: string): Promise<void> {
    const message = readMcpMessage(text);
    if (isBad(message)) throw new AffiantError("ERR_INPUT_MCP_MESSAGE", message.why);
    if (message.kind === "request") {
      void this.#request(message);
      return;
    }
    if (message.method === "notifications/cancelled" && this.#cancelStateless(message)) return;
    const limit = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(notificationMs)]);
    const response = await this.#post(message, limit);
    response.resume();
    if (message.method === "notifications/initialized" && isGood(response)) {
      this.#initialized = message;
      void this.#listen();
    }
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.onClose?.();
    if (this.#session === undefined) return;
    const headers = await this.#headers();
    const signal = AbortSignal.timeout(2_000);
    await send({ url: this.#server.url, method: "DELETE", headers, signal }).then(
      (response) => response.resume(),
      () => undefined,
    );
  }

  async #request(message: McpMessage): Promise<void> {
    const id = message.id as string;
    const flight: InFlight = { message, stop: new AbortController(), isAnswered: false, isCancelled: false };
    this.#inFlight.set(id, flight);
    const signal = AbortSignal.any([this.#closed.signal, flight.stop.signal]);
    try {
      await this.#answer(flight, await this.#post(message, signal), signal);
      if (!flight.isAnswered) this.#fail(flight, "the server ended its answer before it was complete");
    } catch (problem) {
      this.#fail(flight, `the server could not be reached${inWords(problem)}`);
    } finally {
      if (this.#inFlight.get(id) === flight) this.#inFlight.delete(id);
    }
  }

  async #answer(flight: InFlight, response: IncomingMessage, signal: AbortSignal): Promise<void> {
    const status = response.statusCode ?? 0;
    if (!isGood(response)) return this.#refused(flight, status, await readText(response, this.#server.maxBytes));
    if (flight.message.method === "initialize") {
      this.#initialize = flight.message;
      this.#session = headerOf(response, "mcp-session-id");
    }
    if (/^application\/json\b/i.test(headerOf(response, "content-type") ?? "")) {
      const text = await readText(response, this.#server.maxBytes);
      return this.#said(flight, text);
    }
    if (!/^text\/event-stream\b/i.test(headerOf(response, "content-type") ?? "")) {
      response.resume();
      return this.#fail(flight, `the server answered HTTP ${status} with what is neither JSON nor a stream`);
    }
    let end = await this.#read(response, flight);
    for (let times = 0; times < maxResumptions && !flight.isAnswered && end.lastEventId !== undefined; times++) {
      if (signal.aborted) return;
      end = await this.#resume(end, flight, signal);
    }
  }

  /** Goes on with a stream that broke or that the server closed for a while (2025-11-25, Resumability). */
  async #resume(end: StreamEnd, flight: InFlight, signal: AbortSignal): Promise<StreamEnd> {
    await pause(Math.min(end.retryMs ?? defaultRetryMs, maxRetryMs), signal);
    const response = await this.#get(end.lastEventId, signal);
    if (response === undefined) return {};
    return { ...end, ...(await this.#read(response, flight)) };
  }

  #read(response: IncomingMessage, flight?: InFlight): Promise<StreamEnd> {
    return readEvents(response, this.#server.maxBytes, (text) => this.#said(flight, text));
  }

  #said(flight: InFlight | undefined, text: string, httpStatus?: number): void {
    const message = readMcpMessage(text);
    if (!isBad(message) && message.kind === "response" && flight !== undefined) {
      if (message.id !== flight.message.id) {
        this.onProblem?.(new Error("the server answered a request that was not asked here"));
        return;
      }
      if (flight.isAnswered) return;
      flight.isAnswered = true;
      this.#learn(flight.message, message.outcome ?? null);
    } else if (isBad(message) && flight !== undefined && message.id === flight.message.id) {
      flight.isAnswered = true;
    }
    this.onText?.(text, httpStatus);
  }

  #learn({ method }: McpMessage, outcome: Json): void {
    if (!isObject(outcome)) return;
    const { protocolVersion } = outcome;
    if (method === "initialize" && typeof protocolVersion === "string") this.#version = protocolVersion;
    if (method === "tools/list") this.#headered = new Map([...this.#headered, ...headeredArguments(outcome)]);
  }

  /** An answer under an HTTP error. Where it says for which request it is, it is the server's own word. */
  #refused(flight: InFlight, status: number, text: string): void {
    const said = readMcpMessage(text);
    if (!isBad(said) && said.kind === "response" && said.id === flight.message.id) {
      this.#said(flight, text, status);
      return;
    }
    const error = errorIn(text);
    const words = error?.message ?? "";
    const rpc =
      error === undefined ? {} : { rpcCode: error.code, ...(error.data === undefined ? {} : { rpcData: error.data }) };
    this.#fail(flight, `the server answered HTTP ${status}${words === "" ? "" : `: ${words}`}`, {
      httpStatus: status,
      ...rpc,
    });
  }

  #fail(flight: InFlight, why: string, more: Partial<PortFailure> = {}): void {
    if (flight.isAnswered) return;
    flight.isAnswered = true;
    const id = flight.message.id as string;
    this.onFailure?.({ id, why, ...more, ...(flight.isCancelled ? { isCancelled: true } : {}) });
  }

  /** In the stateless revisions a request is given up by closing its stream. @returns whether this was one of those */
  #cancelStateless({ params }: McpMessage): boolean {
    const requestId = params?.["requestId"];
    const flight = requestId === undefined ? undefined : this.#inFlight.get(JSON.stringify(requestId));
    if (flight === undefined || versionOfParams(flight.message.params) === undefined) return false;
    flight.isCancelled = true;
    flight.stop.abort();
    return true;
  }

  /** Sends a message; once more with other credentials, or in a new session, where the server did not even look at it. */
  async #post(message: McpMessage, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, credentials } = this.#server;
    const once = async (): Promise<IncomingMessage> =>
      send({ url, method: "POST", headers: await this.#headers(message), body: message.text, signal });
    const session = this.#session;
    let response = await once();
    if (response.statusCode === 401 && credentials !== undefined) {
      if (!(await credentials.refused(headerOf(response, "www-authenticate")))) return response;
      response.resume();
      response = await once();
    }
    if (response.statusCode === 404 && session !== undefined && message.method !== "initialize") {
      if (!(await this.#renewed(session))) return response;
      response.resume();
      response = await once();
    }
    return response;
  }

  /** A server that was started again knows no session of before: it is opened anew, as the client opened it. */
  #renewed(forgotten: string): Promise<boolean> {
    if (this.#session !== forgotten) return Promise.resolve(this.#session !== undefined);
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renew(): Promise<boolean> {
    const [initialize, initialized] = [this.#initialize, this.#initialized];
    if (initialize === undefined) return false;
    this.#session = undefined;
    const { url, maxBytes } = this.#server;
    const { signal } = this.#closed;
    const post = async ({ text }: McpMessage): Promise<IncomingMessage> =>
      send({ url, method: "POST", headers: await this.#headers(), body: text, signal });
    const response = await post(initialize);
    if (!isGood(response)) return false;
    this.#session = headerOf(response, "mcp-session-id");
    await readText(response, maxBytes);
    if (initialized !== undefined) (await post(initialized)).resume();
    return true;
  }

  /** What the server sends without being asked (2025-11-25, Listening for Messages from the Server). */
  async #listen(): Promise<void> {
    const { signal } = this.#closed;
    let end: StreamEnd = {};
    for (let waitMs = defaultRetryMs; !signal.aborted; waitMs = Math.min(2 * waitMs, maxRetryMs)) {
      try {
        const response = await this.#get(end.lastEventId, signal);
        if (response === undefined) return;
        end = { ...end, ...(await this.#read(response)) };
      } catch (problem) {
        if (!signal.aborted) this.onProblem?.(problem);
      }
      await pause(end.retryMs ?? waitMs, signal);
    }
  }

  /** @returns undefined where the server gives no such stream */
  async #get(lastEventId: string | undefined, signal: AbortSignal): Promise<IncomingMessage | undefined> {
    const { accept: _both, "content-type": _type, ...own } = await this.#headers();
    const from: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const headers = { ...own, accept: "text/event-stream", ...from };
    const response = await send({ url: this.#server.url, method: "GET", headers, signal });
    if (isGood(response) && /^text\/event-stream\b/i.test(headerOf(response, "content-type") ?? "")) return response;
    response.resume();
    return undefined;
  }

  async #headers(message?: McpMessage): Promise<Record<string, string>> {
    const { headers, credentials } = this.#server;
    const authorization = await credentials?.authorization();
    const own = message === undefined ? {} : headersOfMessage(message);
    const isStateless = "mcp-method" in own;
    return {
      ...this.#passed,
      ...headers,
      ...(authorization === undefined ? {} : { authorization }),
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(this.#session === undefined || isStateless ? {} : { "mcp-session-id": this.#session }),
      ...(this.#version === undefined ? {} : { "mcp-protocol-version": this.#version }),
      ...(message?.method === "tools/call" && isStateless ? headersOfArguments(message, this.#headered) : {}),
      ...own,
    };
  }
}

function isGood({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** JSON-RPC's error in a body that does not say for which request it is. */
function errorIn(
  text: string,
): { readonly code: number; readonly message: string; readonly data?: unknown } | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown; data?: unknown } };
    if (typeof error?.code !== "number" || typeof error.message !== "string") return undefined;
    return { code: error.code, message: error.message, data: error.data };
  } catch {
    return undefined;
  }
}

function inWords(problem: unknown): string {
  const { code } = problem as { code?: unknown };
  return typeof code === "string" ? ` (${code})` : "";
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms).unref();
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
