import type { MessagePort } from "../messagePort.ts";
import { isBad, type McpMessage, readMcpMessage } from "../readMessage.ts";
import { modernCodes } from "./requestHead.ts";
import type { HttpAnswer } from "./httpAnswer.ts";
import { rpcCodes } from "../rpcAnswer.ts";

/** Statuses that the stateless revisions want with an error (Streamable HTTP, Protocol Version Header and Server Validation). */
const statusOfCode: Readonly<Record<number, number>> = {
  [rpcCodes.methodNotFound]: 404,
  [rpcCodes.invalidRequest]: 400,
  [modernCodes.headerMismatch]: 400,
  [modernCodes.missingCapability]: 400,
  [modernCodes.unsupportedVersion]: 400,
};

/** By these a client knows of what revisions a server is. Under 401 it would believe that its own token was not taken. */
const passedOn: ReadonlySet<number> = new Set([400, 404, 405]);

/** A client of the stateless revisions, for the length of one POST. */
export class ExchangePort implements MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  readonly #request: McpMessage;
  readonly #answer: HttpAnswer;

  /** @param onGone the client went before it had its answer: it gives the request up */
  constructor(request: McpMessage, answer: HttpAnswer, onGone: () => void) {
    this.#request = request;
    this.#answer = answer;
    answer.onGone = onGone;
  }

  start(): Promise<void> {
    this.onText?.(this.#request.text);
    return Promise.resolve();
  }

  send(text: string, httpStatus?: number): Promise<void> {
    const message = readMcpMessage(text);
    const isAnswer = message.id === this.#request.id && (isBad(message) || message.kind === "response");
    if (isAnswer) {
      this.#answer.finish(text, httpStatus !== undefined && passedOn.has(httpStatus) ? httpStatus : statusOf(message));
      this.onClose?.();
    } else if (isBad(message) || message.kind === "notification") {
      this.#answer.tell(text);
    }
    // A server asks nothing by itself in these revisions, and nobody could answer.
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#answer.end();
    return Promise.resolve();
  }
}

function statusOf(message: ReturnType<typeof readMcpMessage>): number {
  const { error } = (isBad(message) ? {} : (message.outcome ?? {})) as { error?: { code?: unknown } | null };
  return statusOfCode[Number(error?.code)] ?? 200;
}
