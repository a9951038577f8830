import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";

import type { Json } from "../../protocol/json/canonical.ts";
import type { PolicyAct } from "../../protocol/policy/types.ts";
import type { Act } from "../../agent/entry/signEntry.ts";
import { actOfTool, contextOfCall, type Gate, type Refusal, type ToolCall } from "./gate.ts";

export interface ToolGatewayOptions {
  /** Towards the client, which takes us for the server. */
  readonly client: Transport;
  /** Towards the server, which takes us for its client. */
  readonly server: Transport;
  readonly gate: Gate;
  /** Signs an act and stores it; resolves when it is durable on this machine. */
  readonly record: (act: Act) => Promise<unknown>;
  /** Names the session; entries of it are one thread. */
  readonly session: string;
  /** CID of the contract under which calls are made. */
  readonly contractCid?: string;
  /** Told of what goes wrong without ending the session. */
  readonly onProblem?: (problem: unknown) => void;
  /** Told once when the session is over, whoever ended it. */
  readonly onEnd?: () => void;
}

interface Pending {
  readonly call: ToolCall;
  /** Set once the outcome was entered, e.g. because the client cancelled. */
  entered: boolean;
}

/** How many earlier acts a policy can look back on. */
const maxRemembered = 1000;

/**
 * Stands between a Model Context Protocol client and a server and passes every message on unchanged, except tool calls:
 * those are judged first, and entered with their result before the client sees it. A call that is refused never reaches
 * the server; the client gets a tool error that says why.
 */
export class ToolGateway {
  readonly #options: ToolGatewayOptions;
  readonly #pending = new Map<RequestId, Pending>();
  readonly #before: PolicyAct[] = [];
  #initializeId: RequestId | undefined;
  #index = 0;
  #forgotten = 0;
  #closing: Promise<void> | undefined;
  /** Messages of each side are handled one after the other: judging takes time and must not reorder them. */
  #fromClient: Promise<void> = Promise.resolve();
  #fromServer: Promise<void> = Promise.resolve();

  constructor(options: ToolGatewayOptions) {
    this.#options = options;
  }

  /** Connects both sides. */
  async start(): Promise<void> {
    const { client, server } = this.#options;
    client.onmessage = (message) => {
      this.#fromClient = this.#fromClient.then(() => this.#handle(this.#clientSaid(message)));
    };
    server.onmessage = (message) => {
      this.#fromServer = this.#fromServer.then(() => this.#handle(this.#serverSaid(message)));
    };
    client.onerror = server.onerror = (error) => this.#options.onProblem?.(error);
    client.onclose = server.onclose = () => void this.close();
    await server.start();
    await client.start();
  }

  /** Ends the session: calls without an answer are entered as such. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await Promise.all([this.#fromClient, this.#fromServer]);
    for (const pending of this.#pending.values()) await this.#handle(this.#enter(pending, { unanswered: true }));
    this.#pending.clear();
    await Promise.allSettled([this.#options.server.close(), this.#options.client.close()]);
    this.#options.onEnd?.();
  }

  async #handle(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (problem) {
      this.#options.onProblem?.(problem);
    }
  }

  async #clientSaid(message: JSONRPCMessage): Promise<void> {
    if (isJSONRPCRequest(message)) {
      if (message.method === "initialize") this.#initializeId = message.id;
      if (message.method === "tools/call") return this.#toolCall(message);
    } else if (isJSONRPCNotification(message) && message.method === "notifications/cancelled") {
      const pending = this.#pending.get((message.params as { requestId?: RequestId } | undefined)?.requestId ?? "");
      if (pending) await this.#enter(pending, { cancelled: true });
    }
    await this.#options.server.send(message);
  }

  async #toolCall(request: JSONRPCRequest): Promise<void> {
    const { name, arguments: args } = (request.params ?? {}) as { name?: unknown; arguments?: unknown };
    if (typeof name !== "string") return this.#options.server.send(request); // the server says what is wrong with it
    const { session } = this.#options;
    const asked = { tool: name, args: (args ?? {}) as ToolCall["args"], index: this.#index++ };
    const call: ToolCall = { ...asked, session, forgotten: this.#forgotten };
    const refusal = await this.#judge(call);
    if (refusal) {
      await this.#handle(this.#record(call, "refusal", { refused: refusal.code, detail: refusal.detail }));
      const text = `Refused: ${refusal.detail} [${refusal.code}]`;
      return this.#options.client.send({
        jsonrpc: "2.0",
        id: request.id,
        result: { content: [{ type: "text", text }], isError: true },
      });
    }
    this.#pending.set(request.id, { call, entered: false });
    await this.#options.server.send(request);
  }

  /** A gate that breaks refuses: what cannot be judged is not let through. */
  async #judge(call: ToolCall): Promise<Refusal | undefined> {
    try {
      return await this.#options.gate(call, this.#before);
    } catch (problem) {
      this.#options.onProblem?.(problem);
      return { code: "ERR_INTERNAL_UNEXPECTED", detail: "the call could not be judged" };
    }
  }

  async #serverSaid(message: JSONRPCMessage): Promise<void> {
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) {
      const id = message.id ?? "";
      if (id === this.#initializeId && isJSONRPCResultResponse(message)) {
        // HTTP transports name the version in every later request.
        const { protocolVersion } = message.result as { protocolVersion?: unknown };
        if (typeof protocolVersion === "string") this.#options.server.setProtocolVersion?.(protocolVersion);
      }
      const pending = this.#pending.get(id);
      if (pending) {
        this.#pending.delete(id);
        const output = isJSONRPCResultResponse(message) ? message.result : { error: message.error };
        try {
          await this.#enter(pending, output as Json);
        } catch (problem) {
          // What is not on record is not handed out; the client learns that the call was made.
          this.#options.onProblem?.(problem);
          const error = { code: -32603, message: "the call was made, but could not be put on record" };
          return this.#options.client.send({ jsonrpc: "2.0", id, error });
        }
      }
    }
    await this.#options.client.send(message);
  }

  async #enter(pending: Pending, output: Json): Promise<void> {
    if (pending.entered) return;
    pending.entered = true;
    const { call } = pending;
    const context = contextOfCall(call);
    this.#before.push({ act: actOfTool(call.tool), seq: call.index, input: call.args, output, context });
    if (this.#before.length > maxRemembered) {
      this.#before.shift();
      this.#forgotten++;
    }
    await this.#record(call, "act", output);
  }

  async #record(call: ToolCall, kind: "act" | "refusal", output: Json): Promise<void> {
    const { tool, args, index } = call;
    const { session, contractCid, record } = this.#options;
    await record({
      act: actOfTool(tool),
      kind,
      input: args,
      output,
      context: contextOfCall(call),
      thread: session,
      ...(contractCid === undefined ? {} : { ctr: contractCid }),
      idempotencyKey: `mcp:${session}:${index}`,
    });
  }
}
