import type { Json } from "../../protocol/json/canonical.ts";
import { type ActLedger, isRefusal, outcomeUnknown, type ProposedAct, type Refusal } from "../acts/actLedger.ts";
import { actNameOfTool } from "../acts/actName.ts";
import type { MessagePort } from "./messagePort.ts";
import { clientMethods, toolCallMethod } from "./methods.ts";
import { type OpenCall, OpenCalls } from "./openCalls.ts";
import { type BadMessage, isBad, isObject, type McpMessage, readMcpMessage } from "./readMessage.ts";

export interface ToolGatewayOptions {
  /** Towards the client, which takes us for the server. */
  readonly client: MessagePort;
  /** Towards the server, which takes us for its client. */
  readonly server: MessagePort;
  readonly ledger: ActLedger;
  /** Names the session; entries of it are one thread. */
  readonly session: string;
  /** CID of the contract under which calls are made. */
  readonly contractCid?: string;
  /** Methods of the server's own that clients may use beside those of the protocol. */
  readonly allowedMethods?: readonly string[];
  /** Told of what goes wrong without ending the session. */
  readonly onProblem?: (problem: unknown) => void;
  /** Told once when the session is over, whoever ended it. */
  readonly onEnd?: () => void;
}

/** JSON-RPC 2.0, section 5.1. */
const rpcCodes = { invalidRequest: -32600, methodNotFound: -32601, internal: -32603 } as const;

/**
 * Stands between a Model Context Protocol client and a server. What passes is the bytes that came; a parsed copy is judged.
 * A tool call is judged first, claimed on disk, and entered with its outcome before the client sees it. A call that is
 * refused, and a message of a shape that is not allowed, never reach the server; the refusal is entered.
 */
export class ToolGateway {
  readonly #options: ToolGatewayOptions;
  readonly #calls = new OpenCalls();
  #closing: Promise<void> | undefined;
  /** Messages of each side are handled one after the other: judging takes time and must not reorder them. */
  #fromClient: Promise<void> = Promise.resolve();
  #fromServer: Promise<void> = Promise.resolve();

  constructor(options: ToolGatewayOptions) {
    this.#options = options;
  }

  /** Connects both sides. */
  async start(): Promise<void> {
    const { client, server, onProblem } = this.#options;
    client.onText = (text) => {
      this.#fromClient = this.#fromClient.then(() => this.#handle(this.#clientSaid(readMcpMessage(text))));
    };
    server.onText = (text) => {
      this.#fromServer = this.#fromServer.then(() => this.#handle(this.#serverSaid(readMcpMessage(text))));
    };
    client.onProblem = server.onProblem = (problem) => onProblem?.(problem);
    client.onClose = server.onClose = () => void this.close();
    await server.start();
    await client.start();
  }

  /** Ends the session: calls without an answer are entered as such. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const { client, server, session, ledger, onEnd } = this.#options;
    await Promise.all([this.#fromClient, this.#fromServer]);
    for (const { claim } of this.#calls.left()) {
      const output = { ...outcomeUnknown, why: "the session ended without an answer" };
      await this.#handle(ledger.settle(claim, output, JSON.stringify(output)));
    }
    ledger.endThread(session);
    await Promise.allSettled([server.close(), client.close()]);
    onEnd?.();
  }

  async #handle(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (problem) {
      this.#options.onProblem?.(problem);
    }
  }

  async #clientSaid(message: McpMessage | BadMessage): Promise<void> {
    if (isBad(message)) return this.#refuseMessage(message);
    const { kind, method, text } = message;
    if (kind !== "response" && method !== undefined) {
      if (method === toolCallMethod) return this.#toolCall(message);
      if (!clientMethods.has(method) && !this.#options.allowedMethods?.includes(method)) {
        const why = `its method ${JSON.stringify(method)} is none that may pass`;
        return this.#refuseMessage({ ...message, why }, rpcCodes.methodNotFound);
      }
      this.#calls.asked(message);
    }
    await this.#options.server.send(text);
  }

  async #toolCall(message: McpMessage): Promise<void> {
    const { id, params = {}, text } = message;
    const { name, arguments: args = {} } = params;
    const tool = typeof name === "string" ? name : undefined;
    const refused = (why: string): Promise<void> =>
      this.#refuseMessage({ text, why, ...(id === undefined ? {} : { id }), ...(tool === undefined ? {} : { tool }) });
    if (id === undefined) return refused("a tool call without an id gets no answer, and could not be entered with one");
    if (tool === undefined || tool === "") return refused("the tool's name is not a text");
    if (!isObject(args)) return refused("the arguments are not an object");
    if (this.#calls.has(id)) return refused("a call under this id is still open");
    const continued = this.#calls.continued(params, tool, args);
    const call = continued ?? (await this.#claimed(id, tool, args, text));
    if (call === undefined) return;
    this.#calls.opened(id, call);
    try {
      await this.#options.server.send(text);
    } catch (problem) {
      this.#options.onProblem?.(problem);
      await this.#outcome(call, { ...outcomeUnknown, why: "the server could not be reached" }, text);
      await this.#error(id, rpcCodes.internal, "the server could not be reached");
    }
  }

  /** Judges a call. Undefined where it is refused: then the client knows, in the words of a tool's error. */
  async #claimed(id: string, tool: string, args: Json, text: string): Promise<OpenCall | undefined> {
    const answer = await this.#options.ledger.propose(this.#proposal(tool, args, text));
    if (!isRefusal(answer)) return { claim: answer, tool, args };
    const said = { content: [{ type: "text", text: `Refused: ${answer.detail} [${answer.code}]` }], isError: true };
    await this.#options.client.send(`{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(said)}}`);
    return undefined;
  }

  async #serverSaid(message: McpMessage | BadMessage): Promise<void> {
    const { client, onProblem } = this.#options;
    if (isBad(message)) {
      // A program's own words on the channel of the protocol are no message; an answer that cannot be read is one.
      onProblem?.(new Error(`the server sent what is no message: ${message.why}`));
      if (message.id !== undefined && this.#calls.has(message.id)) {
        const { id, text, why } = message;
        await this.#answered({ text, kind: "response", id, outcome: { unreadable: why } });
      }
      return;
    }
    if (message.kind === "response") return this.#answered(message);
    const meaning = this.#calls.notified(message);
    if (meaning?.kind === "outcome")
      await this.#handle(this.#outcome(meaning.call, meaning.outcome, message.text, meaning.note));
    await client.send(message.text);
  }

  async #answered(message: McpMessage): Promise<void> {
    const meaning = this.#calls.answered(message);
    if (meaning?.kind === "outcome") {
      try {
        await this.#outcome(meaning.call, meaning.outcome, message.text, meaning.note);
      } catch (problem) {
        // What is not on record is not handed out; the client learns that the call was made.
        this.#options.onProblem?.(problem);
        return this.#error(message.id, rpcCodes.internal, "the call was made, but could not be put on record yet");
      }
    }
    await this.#options.client.send(message.text);
  }

  #outcome(call: OpenCall, outcome: Json, text: string, note = {}): Promise<void> {
    return this.#options.ledger.settle(call.claim, outcome, text, note);
  }

  async #refuseMessage(message: BadMessage, rpcCode: number = rpcCodes.invalidRequest): Promise<void> {
    const { text, why, id, tool } = message;
    const refusal: Refusal = { code: "ERR_INPUT_MCP_MESSAGE", detail: `the message is refused: ${why}` };
    const proposed = {
      ...this.#proposal(tool ?? "", { message: text }, text),
      act: tool === undefined ? "mcp.message" : actNameOfTool(tool),
    };
    const { detail } = await this.#options.ledger.refuse(proposed, refusal);
    await this.#error(id, rpcCode, detail);
  }

  #proposal(tool: string, input: Json, inputText: string): ProposedAct {
    const { session, contractCid } = this.#options;
    return {
      act: actNameOfTool(tool),
      input,
      inputText,
      thread: session,
      context: { tool, protocol: "mcp" },
      ...(contractCid === undefined ? {} : { ctr: contractCid }),
    };
  }

  /** @param id as it stands in the request; nobody waits where there is none */
  async #error(id: string | undefined, code: number, message: string): Promise<void> {
    if (id === undefined) return;
    await this.#options.client.send(`{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message })}}`);
  }
}
