import { randomUUID } from "node:crypto";

import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { outcomeUnknown } from "../../acts/actLedger.ts";
import { toolCallMethod } from "../methods.ts";
import type { MessagePort } from "../messagePort.ts";
import type { BadMessage, JsonObject, McpMessage } from "../readMessage.ts";
import { rpcCodes, rpcError } from "../rpcAnswer.ts";
import { TiedCalls } from "../tiedCalls.ts";
import { ToolGateway } from "../toolGateway.ts";
import { statelessVersions, versionOfParams } from "../versions.ts";
import { ExchangePort } from "./exchangePort.ts";
import type { HttpAnswer } from "./httpAnswer.ts";
import { callerKey, type HttpFrontOptions, partsOf } from "./frontOptions.ts";
import { modernCodes } from "./requestHead.ts";

/** What requests of one client share, where nothing but its token says who it is. */
interface Client {
  readonly session: string;
  readonly tied: TiedCalls;
}

/**
 * Requests of the stateless revisions: each is a conversation of its own. Nothing in them says what belongs together that its
 * author could not say otherwise, so all requests of one caller are one thread: a rule that looks at what came before sees all.
 */
export class Exchanges {
  readonly #options: HttpFrontOptions;
  readonly #clients = new Map<string, Client>();
  readonly #open = new Set<ToolGateway>();

  constructor(options: HttpFrontOptions) {
    this.#options = options;
  }

  async serve(
    message: McpMessage,
    answer: HttpAnswer,
    passed: Readonly<Record<string, string>>,
    caller: JsonObject | undefined,
  ): Promise<void> {
    const { id, method, params, kind } = message;
    if (kind !== "request") {
      if (method !== toolCallMethod && kind === "notification") return answer.end(); // none is defined, and none goes on
      const why = kind === "response" ? "a client of this revision answers nothing" : "a tool call without an id";
      return this.refuse({ ...message, why }, answer, rpcCodes.invalidRequest, caller);
    }
    const requested = versionOfParams(params);
    if (requested === undefined || !statelessVersions.includes(requested)) {
      const data = { supported: statelessVersions, requested };
      return answer.finish(rpcError(id, modernCodes.unsupportedVersion, "Unsupported protocol version", data), 400);
    }
    let server: MessagePort;
    try {
      server = await this.#options.upstream.exchange(message, passed);
    } catch (error) {
      this.#options.onProblem?.(error);
      const why = isAffiantError(error) ? error.message : "the server could not be reached";
      return answer.finish(rpcError(id, rpcCodes.internal, why));
    }
    await this.#run(message, answer, server, caller);
  }

  /** Enters a message that may not pass, and answers it. */
  async refuse(message: BadMessage, answer: HttpAnswer, code: number, caller: JsonObject | undefined): Promise<void> {
    const { session, tied } = this.#clientOf(caller);
    const client: MessagePort = { ...deaf(), send: (text) => Promise.resolve(answer.finish(text, 400)) };
    const gateway = new ToolGateway({ ...partsOf(this.#options, caller), client, server: deaf(), session, tied });
    await gateway.refuseMessage(message, code);
    if (answer.isOpen) answer.finish(rpcError(undefined, code, `the message is refused: ${message.why}`), 400);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((gateway) => gateway.close()));
    const { ledger, onProblem } = this.#options;
    for (const { session, tied } of this.#clients.values()) {
      for (const { claim } of tied.left()) {
        const output = { ...outcomeUnknown, why: "the gateway ended without an answer" };
        await ledger.settle(claim, output, JSON.stringify(output)).catch((problem: unknown) => onProblem?.(problem));
      }
      ledger.endThread(session);
    }
    this.#clients.clear();
  }

  async #run(
    message: McpMessage,
    answer: HttpAnswer,
    server: MessagePort,
    caller: JsonObject | undefined,
  ): Promise<void> {
    const { session, tied } = this.#clientOf(caller);
    const gateway: ToolGateway = new ToolGateway({
      ...partsOf(this.#options, caller),
      client: new ExchangePort(message, answer, () => void gateway.close("the client gave the call up")),
      server,
      session,
      tied,
      onEnd: () => this.#open.delete(gateway),
    });
    this.#open.add(gateway);
    await gateway.start();
  }

  #clientOf(caller: JsonObject | undefined): Client {
    const key = callerKey(caller);
    const known = this.#clients.get(key) ?? { session: randomUUID(), tied: new TiedCalls() };
    this.#clients.set(key, known);
    return known;
  }
}

function deaf(): MessagePort {
  const done = (): Promise<void> => Promise.resolve();
  return { onText: undefined, onClose: undefined, onProblem: undefined, start: done, send: done, close: done };
}
