import { setTimeout as sleep } from "node:timers/promises";

import { type ErrorCode, errorCodes } from "../../protocol/errors/codes.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import {
  isWrapperMessage,
  type NumberedCommand,
  type WrapperCommand,
  type WrapperMessage,
} from "../wrapping/messages.ts";

const answerTimeoutMs = 180_000;

/** Commands to wrappers and their answers. A wrapper that ends leaves its commands unanswered: they fail in time. */
export class WrapperCalls {
  readonly #send: (process: string, message: NumberedCommand) => boolean;
  readonly #open = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  #lastId = 0;

  constructor(send: (process: string, message: NumberedCommand) => boolean) {
    this.#send = send;
  }

  /** @throws AffiantError with the code of what went wrong there; ERR_UNAVAILABLE_PROCESS if nobody answers */
  async command(process: string, command: WrapperCommand): Promise<void> {
    const id = ++this.#lastId;
    const answered = new Promise<void>((resolve, reject) => this.#open.set(id, { resolve, reject }));
    const giveUp = new AbortController();
    try {
      if (!this.#send(process, { id, command })) throw unanswered(process);
      const late = sleep(answerTimeoutMs, undefined, { signal: giveUp.signal, ref: false }).then(() => {
        throw unanswered(process);
      });
      await Promise.race([answered, late]);
    } finally {
      this.#open.delete(id);
      giveUp.abort();
      answered.catch(() => undefined);
    }
  }

  /** @returns the message, unless it was an answer */
  take(message: unknown): Exclude<WrapperMessage, { says: "answer" }> | undefined {
    if (!isWrapperMessage(message)) return undefined;
    if (message.says !== "answer") return message;
    const { id, error, code } = message;
    const call = this.#open.get(id);
    if (error === undefined) call?.resolve();
    else call?.reject(new AffiantError(isCode(code) ? code : "ERR_INTERNAL_UNEXPECTED", error));
    return undefined;
  }
}

function isCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(errorCodes, code);
}

function unanswered(process: string): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_PROCESS", `the wrapper of ${process} does not answer`);
}
