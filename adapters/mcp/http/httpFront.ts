import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { deadlines } from "../../../host/http/deadlines.ts";
import { hostCheck, type HostCheck } from "../../../host/http/hostCheck.ts";
import { readBody } from "../../../host/http/readBody.ts";
import { isLoopbackHost } from "../../../host/fetch/publicAddress.ts";
import { AffiantError, isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { isBad, type JsonObject, type McpMessage, readMcpMessage } from "../readMessage.ts";
import { rpcCodes, rpcError } from "../rpcAnswer.ts";
import { statelessVersions, versionOfParams } from "../versions.ts";
import { answerError } from "./answerError.ts";
import { Exchanges } from "./exchanges.ts";
import type { Guard, HttpFrontOptions } from "./frontOptions.ts";
import { HttpAnswer } from "./httpAnswer.ts";
import { faultOfHead, headersToPass, modernCodes } from "./requestHead.ts";
import { Sessions } from "./sessions.ts";

const path = "/mcp";
const metadataPaths: readonly string[] = [
  "/.well-known/oauth-protected-resource",
  `/.well-known/oauth-protected-resource${path}`,
];

/** Serves the gateway over MCP's streamable HTTP at `/mcp`: in sessions (2025-11-25 and older), and stateless (2026-07-28). */
export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #checkHost: HostCheck;
  readonly #sessions: Sessions;
  readonly #exchanges: Exchanges;
  #guard: Guard | undefined;
  #server: Server | undefined;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
    this.#checkHost = hostCheck({ host: options.host, names: options.hostNames ?? [] });
    this.#sessions = new Sessions(options);
    this.#exchanges = new Exchanges(options);
  }

  /**
   * @returns the address to give to clients
   * @throws AffiantError ERR_CONFLICT_PORT
   */
  async listen(): Promise<string> {
    const { host, port, guard, onProblem } = this.#options;
    const server = createServer(deadlines(60), (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        onProblem?.(error);
        if (response.headersSent) response.destroy();
        else answerError(response, 500, rpcError(undefined, rpcCodes.internal, "the gateway failed"));
      });
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) =>
        reject(new AffiantError("ERR_CONFLICT_PORT", `cannot listen on ${host}:${port}`, { cause })),
      );
      server.listen(port, host, resolve);
    });
    const address = `http://${host}:${(server.address() as AddressInfo).port}${path}`;
    this.#guard = guard?.(address);
    return address;
  }

  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), this.#exchanges.close()]);
    await this.#options.upstream.close();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    try {
      this.#checkHost({ host: request.headers.host });
      this.#checkOrigin(request.headers.origin);
    } catch (error) {
      return answerError(response, 403, rpcError(undefined, rpcCodes.invalidRequest, (error as Error).message));
    }
    if (this.#guard !== undefined && metadataPaths.includes(pathname)) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(this.#guard.metadata));
      return;
    }
    if (pathname !== path)
      return answerError(response, 404, rpcError(undefined, rpcCodes.invalidRequest, `it is ${path} that is served`));
    let caller: JsonObject | undefined;
    try {
      caller = await this.#guard?.check(request);
    } catch (error) {
      return this.#refuseCaller(error, response);
    }
    if (request.method === "POST") return this.#post(request, response, caller);
    if (request.method === "GET") return this.#sessions.listen(request, response, caller);
    if (request.method === "DELETE") return this.#sessions.end(request, response, caller);
    response.setHeader("allow", "GET, POST, DELETE");
    return answerError(response, 405, rpcError(undefined, rpcCodes.invalidRequest, "the method is not allowed"));
  }

  async #post(request: IncomingMessage, response: ServerResponse, caller: JsonObject | undefined): Promise<void> {
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
      return answerError(
        response,
        415,
        rpcError(undefined, rpcCodes.invalidRequest, "the body must be application/json"),
      );
    }
    const maxBytes = this.#options.maxBodyBytes ?? 16 << 20;
    let text: string;
    try {
      text = (await readBody(request, maxBytes)).toString("utf8");
    } catch (error) {
      if (!isAffiantError(error, "ERR_LIMIT_BODY_SIZE")) return;
      // Its id would be in the part that was not read.
      return answerError(response, 413, rpcError(undefined, rpcCodes.invalidRequest, `a message has ${error.message}`));
    }
    const message = readMcpMessage(text);
    const { headers } = request;
    const answer = new HttpAnswer(response, /text\/event-stream|\*\/\*/i.test(headers.accept ?? ""));
    const isStateless = isOfStatelessRevision(message, headers["mcp-protocol-version"]);
    const fault = isBad(message) ? undefined : faultOfHead(message, headers);
    const refusal = isBad(message) ? message : fault === undefined ? undefined : { ...message, why: fault };
    if (refusal !== undefined) {
      const code = fault === undefined ? rpcCodes.invalidRequest : modernCodes.headerMismatch;
      return this.#exchanges.refuse(toolOf(refusal, message), answer, code, caller);
    }
    const passed = headersToPass(headers, this.#options.passHeaders ?? []);
    if (isStateless) return this.#exchanges.serve(message as McpMessage, answer, passed, caller);
    return this.#sessions.serve(message as McpMessage, headers["mcp-session-id"], answer, response, passed, caller);
  }

  #checkOrigin(origin: string | undefined): void {
    if (origin === undefined || this.#options.origins?.includes(origin)) return;
    if (URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname)) return;
    throw new AffiantError("ERR_AUTH_ORIGIN", "no page of another host may ask here");
  }

  #refuseCaller(error: unknown, response: ServerResponse): void {
    if (!isAffiantError(error)) throw error;
    if (error.code.startsWith("ERR_UNAVAILABLE")) response.setHeader("retry-after", "5");
    else response.setHeader("www-authenticate", this.#guard?.challenge(error) ?? "Bearer");
    const status = error.code.startsWith("ERR_UNAVAILABLE") ? 503 : error.code === "ERR_AUTH_SCOPE" ? 403 : 401;
    answerError(response, status, rpcError(undefined, rpcCodes.invalidRequest, error.message));
  }
}

function isOfStatelessRevision(
  message: ReturnType<typeof readMcpMessage>,
  version: string | string[] | undefined,
): boolean {
  if (typeof version === "string" && statelessVersions.includes(version)) return true;
  return !isBad(message) && message.kind === "request" && versionOfParams(message.params) !== undefined;
}

/** A refused message with the tool that it names. */
function toolOf(
  refusal: { readonly text: string; readonly why: string; readonly id?: string },
  message: ReturnType<typeof readMcpMessage>,
) {
  const name = isBad(message) ? message.tool : message.method === "tools/call" ? message.params?.["name"] : undefined;
  const { text, why, id } = refusal;
  return { text, why, ...(id === undefined ? {} : { id }), ...(typeof name === "string" ? { tool: name } : {}) };
}
