import type { MessagePort } from "../messagePort.ts";
import { isBad, type McpMessage, readMcpMessage } from "../readMessage.ts";
import { progressTokenOf } from "../versions.ts";
import type { HttpAnswer } from "./httpAnswer.ts";

const maxHeld = 100;

/** A client in a session (2025-11-25 and older): each of its messages is a POST, and one GET takes what no POST asked for. */
export class SessionPort implements MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  /** Milliseconds, as of `performance.now`: when the client was last heard. */
  lastHeardMs = performance.now();
  readonly #waiting = new Map<string, { readonly answer: HttpAnswer; readonly token: string | undefined }>();
  #stream: HttpAnswer | undefined;
  /** What the server said while there was no stream to say it on; the oldest goes first. */
  readonly #held: string[] = [];
  #isClosed = false;

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Whether the client waits for something, or listens. */
  get isInUse(): boolean {
    return this.#waiting.size > 0 || this.#stream?.isOpen === true;
  }

  /** @returns false where a request under this id waits already */
  receive(message: McpMessage, answer: HttpAnswer): boolean {
    this.lastHeardMs = performance.now();
    const { id } = message;
    if (message.kind === "request" && id !== undefined) {
      if (this.#waiting.has(id)) return false;
      this.#waiting.set(id, { answer, token: progressTokenOf(message.params) });
      // That a client goes is not that it gives up (2025-11-25, Sending Messages): the call goes on, and is entered.
      answer.onGone = () => this.#waiting.delete(id);
    } else {
      answer.end();
    }
    this.onText?.(message.text);
    return true;
  }

  /** The stream for what no request asked for. @returns false where there is one already */
  listen(stream: HttpAnswer): boolean {
    if (this.#stream?.isOpen) return false;
    this.lastHeardMs = performance.now();
    this.#stream = stream;
    stream.stream();
    for (const text of this.#held.splice(0)) stream.tell(text);
    return true;
  }

  send(text: string): Promise<void> {
    const message = readMcpMessage(text);
    if (!isBad(message) && message.kind !== "response") {
      this.#tell(message);
      return Promise.resolve();
    }
    const waiting = this.#waiting.get(message.id ?? "");
    this.#waiting.delete(message.id ?? "");
    // Also an error: under another status than 200 clients of these revisions do not look into the body.
    waiting?.answer.finish(text);
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    for (const { answer } of this.#waiting.values()) answer.end();
    this.#waiting.clear();
    this.#stream?.end();
    this.onClose?.();
    return Promise.resolve();
  }

  /** Progress goes where it was asked for; anything else to the stream, or to whoever waits. */
  #tell({ params, text }: McpMessage): void {
    const token = params?.["progressToken"];
    const all = [...this.#waiting.values()];
    const asked = token === undefined ? undefined : all.find((one) => one.token === JSON.stringify(token));
    const streams = [asked?.answer, this.#stream, ...all.map(({ answer }) => answer).reverse()];
    if (streams.some((stream) => stream?.tell(text) === true)) return;
    if (this.#held.push(text) > maxHeld) this.#held.shift();
  }
}
