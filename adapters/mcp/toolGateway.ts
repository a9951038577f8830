import type { Json } from "../../protocol/json/canonical.ts";
import { type ActLedger, isRefusal, outcomeUnknown, type ProposedAct, type Refusal } from "../acts/actLedger.ts";
import { actNameOfTool } from "../acts/actName.ts";
import type { MessagePort, PortFailure } from "./messagePort.ts";
import { clientMethods, toolCallMethod } from "./methods.ts";
import { type Meaning, OpenCalls } from "./openCalls.ts";
import { type BadMessage, isBad, isObject, type JsonObject, type McpMessage, readMcpMessage } from "./readMessage.ts";
import { rpcCodes, rpcError, rpcResult } from "./rpcAnswer.ts";
import { type OpenCall, TiedCalls } from "./tiedCalls.ts";
import { versionOfParams } from "./versions.ts";

export interface ToolGatewayOptions {
  /** Towards the client, which takes us for the server. */
  readonly client: MessagePort;
  /** Towards the server, which takes us for its client. */
  readonly server: MessagePort;
  readonly ledger: ActLedger;
  /** Names the session; entries of it are one thread. */
  readonly session: string;
  /** What entries say of who calls, where that was proven: issuer and subject of a token. */
  readonly caller?: JsonObject;
  /** Calls that outlive their request, where several gateways share them: then their end is not this one's. */
  readonly tied?: TiedCalls;
  /** CID of the contract under which calls are made. */
  readonly contractCid?: string;
  /** Methods of the server's own that clients may use beside those of the protocol. */
  readonly allowedMethods?: readonly string[];
  /** Calls that may wait for their answer at a time; more are refused. */
  readonly maxOpenCalls?: number;
  /** Told of what goes wrong without ending the session. */
  readonly onProblem?: (problem: unknown) => void;
  /** Told once when the session is over, whoever ended it. */
  readonly onEnd?: () => void;
}

/** Of a server that asks more than anybody answers, the rest of the answers do not pass. */
const maxAskedByServer = 10_000;

/**
 * Stands between a Model Context Protocol client and a server. What passes is the bytes that came; a parsed copy is judged.
 * A tool call is judged first, claimed on disk, and entered with its outcome before the client sees it. A call that is
 * refused, and a message of a shape that is not allowed, never reach the server; the refusal is entered.
 */
export class ToolGateway {
  readonly #options: ToolGatewayOptions;
  readonly #tied: TiedCalls;
  readonly #calls: OpenCalls;
  /** What the server asked the client: a response to anything else is none. */
  readonly #askedByServer = new Set<string>();
  #closing: Promise<void> | undefined;
  /** Messages of each side are handled one after the other: judging takes time and must not reorder them. */
  #fromClient: Promise<void> = Promise.resolve();
  #fromServer: Promise<void> = Promise.resolve();

  constructor(options: ToolGatewayOptions) {
    this.#options = options;
    this.#tied = options.tied ?? new TiedCalls();
    this.#calls = new OpenCalls(this.#tied);
  }

  /** Connects both sides. */
  async start(): Promise<void> {
    const { client, server, onProblem } = this.#options;
    const fromServer = (work: () => Promise<void>): void => {
      this.#fromServer = this.#fromServer.then(() => this.#handle(work()));
    };
    client.onText = (text) => {
      this.#fromClient = this.#fromClient.then(() => this.#handle(this.#clientSaid(readMcpMessage(text))));
    };
    server.onText = (text, status) => fromServer(() => this.#serverSaid(readMcpMessage(text), status));
    server.onFailure = (failure) => fromServer(() => this.#failed(failure));
    client.onProblem = server.onProblem = (problem) => onProblem?.(problem);
    client.onClose = server.onClose = () => void this.close();
    await server.start();
    await client.start();
  }

  /** Ends the session: calls without an answer are entered as such. */
  close(why = "the session ended without an answer"): Promise<void> {
    this.#closing ??= this.#end(why);
    return this.#closing;
  }

  async #end(why: string): Promise<void> {
    const { client, server, session, ledger, tied, onEnd } = this.#options;
    // What a client said may have the server say something: first the one, then the other.
    await this.#fromClient;
    await this.#fromServer;
    for (const call of [...this.#calls.left(), ...(tied === undefined ? this.#tied.left() : [])]) {
      await this.#handle(this.#unknown(call, why));
    }
    if (tied === undefined) ledger.endThread(session);
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
    if (isBad(message)) return this.refuseMessage(message);
    const { kind, method, text, id } = message;
    if (kind === "response") {
      if (!this.#askedByServer.delete(id as string)) {
        // Without its id: it is the server's, and an error under it would answer something else.
        return this.refuseMessage({ text, why: "it answers what the server did not ask" });
      }
    } else if (method !== undefined) {
      if (method === toolCallMethod) return this.#toolCall(message);
      if (!clientMethods.has(method) && !this.#options.allowedMethods?.includes(method)) {
        const why = `its method ${JSON.stringify(method)} is none that may pass`;
        return this.refuseMessage({ ...message, why }, rpcCodes.methodNotFound);
      }
      if (id !== undefined && this.#calls.has(id)) {
        return this.refuseMessage({ ...message, why: "a call under this id is still open" });
      }
      this.#calls.asked(message);
    }
    try {
      await this.#options.server.send(text);
    } catch (problem) {
      this.#options.onProblem?.(problem);
      if (kind === "request") await this.#error(id, rpcCodes.internal, "the server could not be reached");
    }
  }

  async #toolCall(message: McpMessage): Promise<void> {
    const { id, params = {}, text } = message;
    const { name, arguments: args = {} } = params;
    const tool = typeof name === "string" ? name : undefined;
    const refused = (why: string): Promise<void> =>
      this.refuseMessage({ text, why, ...(id === undefined ? {} : { id }), ...(tool === undefined ? {} : { tool }) });
    if (id === undefined) return refused("a tool call without an id gets no answer, and could not be entered with one");
    if (tool === undefined || tool === "") return refused("the tool's name is not a text");
    if (!isObject(args)) return refused("the arguments are not an object");
    if (this.#calls.has(id)) return refused("a call under this id is still open");
    if (this.#calls.size >= (this.#options.maxOpenCalls ?? 1_000)) return refused("too many calls wait for an answer");
    const call = this.#tied.continued(params, tool, args) ?? (await this.#claimed(id, tool, args, message));
    if (call === undefined) return;
    this.#calls.opened(id, call);
    try {
      await this.#options.server.send(text);
    } catch (problem) {
      this.#options.onProblem?.(problem);
      await this.#failed({ id, why: "the server could not be reached" });
    }
  }

  /** Judges a call. Undefined where it is refused: then the client knows, in the words of a tool's error. */
  async #claimed(id: string, tool: string, args: Json, { text, params }: McpMessage): Promise<OpenCall | undefined> {
    const answer = await this.#options.ledger.propose(this.#proposal(tool, args, text));
    if (!isRefusal(answer)) return { claim: answer, tool, args };
    const said = {
      content: [{ type: "text", text: `Refused: ${answer.detail} [${answer.code}]` }],
      isError: true,
      // Each result of 2026-07-28 says what it is; clients of it take no other.
      ...(versionOfParams(params) === undefined ? {} : { resultType: "complete" }),
    };
    await this.#options.client.send(rpcResult(id, said));
    return undefined;
  }

  async #serverSaid(message: McpMessage | BadMessage, status?: number): Promise<void> {
    const { client, onProblem } = this.#options;
    if (isBad(message)) {
      // A program's own words on the channel of the protocol are no message; an answer that cannot be read is one.
      onProblem?.(new Error(`the server sent what is no message: ${message.why}`));
      if (message.id !== undefined && this.#calls.has(message.id)) {
        const { id, text, why } = message;
        await this.#answered({ text, kind: "response", id, outcome: { unreadable: why } }, status);
      }
      return;
    }
    if (message.kind === "response") return this.#answered(message, status);
    if (message.kind === "request" && this.#askedByServer.size < maxAskedByServer) {
      this.#askedByServer.add(message.id as string);
    }
    await this.#handle(this.#meant(this.#calls.notified(message), message.text));
    await client.send(message.text);
  }

  async #answered(message: McpMessage, status: number | undefined): Promise<void> {
    try {
      await this.#meant(this.#calls.answered(message), message.text);
    } catch (problem) {
      // What is not on record is not handed out; the client learns that the call was made.
      this.#options.onProblem?.(problem);
      return this.#error(message.id, rpcCodes.internal, "the call was made, but could not be put on record yet");
    }
    await this.#options.client.send(message.text, status);
  }

  async #meant({ settled, lost = [] }: Meaning, text: string): Promise<void> {
    for (const call of lost) await this.#handle(this.#unknown(call, "the server gave its task or its state away"));
    if (settled === undefined) return;
    await this.#options.ledger.settle(settled.call.claim, settled.outcome, text, settled.note);
  }

  /** A request that gets no answer: what came of a call is then not known. */
  async #failed({ id, why, httpStatus, rpcCode, rpcData, isCancelled }: PortFailure): Promise<void> {
    const call = this.#calls.taken(id);
    if (call !== undefined) await this.#handle(this.#unknown(call, isCancelled ? "the client gave the call up" : why));
    if (isCancelled) return;
    const answer = rpcError(id, rpcCode ?? rpcCodes.internal, why, rpcData);
    await this.#options.client.send(answer, httpStatus);
  }

  #unknown({ claim }: OpenCall, why: string): Promise<void> {
    const output = { ...outcomeUnknown, why };
    return this.#options.ledger.settle(claim, output, JSON.stringify(output));
  }

  /** Refuses what is no message that may pass: it is entered, and answered where it can be. */
  async refuseMessage(message: BadMessage, rpcCode: number = rpcCodes.invalidRequest, status?: number): Promise<void> {
    const { text, why, id, tool } = message;
    const refusal: Refusal = { code: "ERR_INPUT_MCP_MESSAGE", detail: `the message is refused: ${why}` };
    const proposed = {
      ...this.#proposal(tool ?? "", { message: text }, text),
      act: tool === undefined ? "mcp.message" : actNameOfTool(tool),
    };
    const { detail } = await this.#options.ledger.refuse(proposed, refusal);
    await this.#error(id, rpcCode, detail, status);
  }

  #proposal(tool: string, input: Json, inputText: string): ProposedAct {
    const { session, contractCid, caller } = this.#options;
    return {
      act: actNameOfTool(tool),
      input,
      inputText,
      thread: session,
      context: { tool, protocol: "mcp", ...(caller === undefined ? {} : { caller }) },
      ...(contractCid === undefined ? {} : { ctr: contractCid }),
    };
  }

  /** @param id as it stands in the request; nobody waits where there is none */
  async #error(id: string | undefined, code: number, message: string, status?: number): Promise<void> {
    if (id !== undefined) await this.#options.client.send(rpcError(id, code, message), status);
  }
}
