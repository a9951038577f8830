import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import type { Request, Response } from "express";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type MessagePort, SdkPort } from "./messagePort.ts";
import { ToolGateway, type ToolGatewayOptions } from "./toolGateway.ts";

export interface HttpFrontOptions extends Omit<ToolGatewayOptions, "client" | "server" | "session"> {
  readonly host: string;
  /** 0 = any that is free. */
  readonly port: number;
  /** Opens a connection of its own to the server for each session. */
  readonly connectServer: () => Promise<MessagePort>;
  /** Most sessions at a time; more are refused. */
  readonly maxSessions?: number;
}

interface Session {
  readonly transport: StreamableHTTPServerTransport;
  readonly gateway: ToolGateway;
}

/** Serves the gateway to clients over MCP's streamable HTTP at `/mcp`, one gateway a session. */
export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #sessions = new Map<string, Session>();
  #server: Server | undefined;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
  }

  /**
   * @returns the address to give to clients
   * @throws AffiantError ERR_CONFLICT_PORT
   */
  async listen(): Promise<string> {
    const { host, port } = this.#options;
    // The SDK's application checks the Host header, so that no web page can reach a local server by DNS rebinding.
    const app = createMcpExpressApp({ host });
    app.all("/mcp", (request: Request, response: Response) => this.#serve(request, response));
    const server = createServer(app);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) =>
        reject(new AffiantError("ERR_CONFLICT_PORT", `cannot listen on ${host}:${port}`, { cause })),
      );
      server.listen(port, host, resolve);
    });
    return `http://${host}:${(server.address() as AddressInfo).port}/mcp`;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ gateway }) => gateway.close()));
    this.#sessions.clear();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
  }

  async #serve(request: Request, response: Response): Promise<void> {
    const id = request.header("mcp-session-id");
    const known = id === undefined ? undefined : this.#sessions.get(id);
    if (known) return known.transport.handleRequest(request, response, request.body);
    if (id !== undefined || !isInitializeRequest(request.body)) {
      // 404 tells a client of a session that ended to begin a new one (MCP, Session Management).
      response.status(id === undefined ? 400 : 404).json(rpcError("no such session; begin with initialize"));
      return;
    }
    if (this.#sessions.size >= (this.#options.maxSessions ?? 100)) {
      response.status(503).set("retry-after", "5").json(rpcError("too many sessions"));
      return;
    }
    await (await this.#open()).transport.handleRequest(request, response, request.body);
  }

  async #open(): Promise<Session> {
    const id = randomUUID();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessionclosed: async () => this.#sessions.get(id)?.gateway.close(),
    });
    const { connectServer, host: _host, port: _port, maxSessions: _max, ...options } = this.#options;
    const gateway = new ToolGateway({
      ...options,
      // The SDK's class declares optional members as `| undefined`, which its own interface does not.
      client: new SdkPort(transport as Transport),
      server: await connectServer(),
      session: id,
      onEnd: () => this.#sessions.delete(id),
    });
    const session = { transport, gateway };
    this.#sessions.set(id, session);
    try {
      await gateway.start();
    } catch (error) {
      await gateway.close();
      throw error;
    }
    return session;
  }
}

function rpcError(message: string): unknown {
  return { jsonrpc: "2.0", id: null, error: { code: -32000, message } };
}
