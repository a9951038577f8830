import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import type { MessagePort } from "../messagePort.ts";
import type { JsonObject, McpMessage } from "../readMessage.ts";
import { rpcCodes, rpcError } from "../rpcAnswer.ts";
import { ToolGateway } from "../toolGateway.ts";
import { HttpAnswer } from "./httpAnswer.ts";
import { answerError } from "./answerError.ts";
import { callerKey, type HttpFrontOptions, partsOf } from "./frontOptions.ts";
import { SessionPort } from "./sessionPort.ts";

interface Session {
  readonly id: string;
  readonly port: SessionPort;
  readonly gateway: ToolGateway;
  /** Whose it is, where callers are known: a session's id alone opens it to nobody else. */
  readonly owner: string;
}

const sweepMs = 30_000;
/** The code that servers of these revisions give with a session that they do not know. */
const sessionNotFound = -32001;

/** Sessions of clients of 2025-11-25 and older, one gateway each. */
export class Sessions {
  readonly #options: HttpFrontOptions;
  readonly #byId = new Map<string, Session>();
  readonly #sweep: NodeJS.Timeout;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#endIdle(), sweepMs).unref();
  }

  /** @param id the header `Mcp-Session-Id` */
  async serve(
    message: McpMessage,
    id: string | string[] | undefined,
    answer: HttpAnswer,
    response: ServerResponse,
    passed: Readonly<Record<string, string>>,
    caller: JsonObject | undefined,
  ): Promise<void> {
    const known = this.#find(id, caller);
    if (known !== undefined) {
      if (known.port.receive(message, answer)) return;
      return answer.finish(rpcError(message.id, rpcCodes.invalidRequest, "a request under this id is still open"), 400);
    }
    if (id !== undefined || message.method !== "initialize" || message.kind !== "request") {
      // 404 tells a client of a session that ended to begin a new one (2025-11-25, Session Management).
      const text = rpcError(message.id, sessionNotFound, "there is no such session; begin with initialize");
      return answer.finish(text, id === undefined ? 400 : 404);
    }
    await this.#makeRoom();
    if (this.#byId.size >= (this.#options.maxSessions ?? 100)) {
      response.setHeader("retry-after", "5");
      return answer.finish(rpcError(message.id, rpcCodes.internal, "too many sessions are in use"), 503);
    }
    let server: MessagePort;
    try {
      server = await this.#options.upstream.session(passed);
    } catch (error) {
      this.#options.onProblem?.(error);
      const why = isAffiantError(error) ? error.message : "the server could not be reached";
      return answer.finish(rpcError(message.id, rpcCodes.internal, why));
    }
    const session = await this.#open(server, caller);
    response.setHeader("mcp-session-id", session.id);
    session.port.receive(message, answer);
  }

  /** A GET: the stream for what no request asked for. */
  listen(request: IncomingMessage, response: ServerResponse, caller: JsonObject | undefined): void {
    const session = this.#find(request.headers["mcp-session-id"], caller);
    if (session === undefined) return refuse(request, response);
    if (session.port.listen(new HttpAnswer(response, true))) return;
    answerError(response, 409, rpcError(undefined, rpcCodes.invalidRequest, "this session has its stream already"));
  }

  async end(request: IncomingMessage, response: ServerResponse, caller: JsonObject | undefined): Promise<void> {
    const session = this.#find(request.headers["mcp-session-id"], caller);
    if (session === undefined) return refuse(request, response);
    await session.gateway.close();
    response.writeHead(204).end();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all([...this.#byId.values()].map(({ gateway }) => gateway.close()));
  }

  #find(id: string | string[] | undefined, caller: JsonObject | undefined): Session | undefined {
    const session = typeof id === "string" ? this.#byId.get(id) : undefined;
    return session?.owner === callerKey(caller) ? session : undefined;
  }

  async #open(server: MessagePort, caller: JsonObject | undefined): Promise<Session> {
    const id = randomUUID();
    const port = new SessionPort();
    const gateway = new ToolGateway({
      ...partsOf(this.#options, caller),
      client: port,
      server,
      session: id,
      onEnd: () => this.#byId.delete(id),
    });
    const session = { id, port, gateway, owner: callerKey(caller) };
    this.#byId.set(id, session);
    try {
      await gateway.start();
    } catch (error) {
      await gateway.close();
      throw error;
    }
    return session;
  }

  /** Sessions that nobody ended must not keep others out: of those in which nobody waits, the quietest ends. */
  async #makeRoom(): Promise<void> {
    if (this.#byId.size < (this.#options.maxSessions ?? 100)) return;
    const quiet = [...this.#byId.values()].filter(({ port }) => !port.isInUse);
    quiet.sort((one, other) => one.port.lastHeardMs - other.port.lastHeardMs);
    await quiet[0]?.gateway.close();
  }

  #endIdle(): void {
    const since = performance.now() - (this.#options.sessionIdleSec ?? 1_800) * 1_000;
    for (const { port, gateway } of this.#byId.values()) {
      if (!port.isInUse && port.lastHeardMs < since) void gateway.close();
    }
  }
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  const isNamed = request.headers["mcp-session-id"] !== undefined;
  // A server of the stateless revisions has neither stream nor session by itself: 405 says so.
  if (!isNamed) response.setHeader("allow", "POST");
  answerError(response, isNamed ? 404 : 405, rpcError(undefined, sessionNotFound, "there is no such session"));
}
