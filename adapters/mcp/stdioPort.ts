import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { MessagePort } from "./messagePort.ts";

/** A longer line ends the conversation: something that large is no message. */
const maxLineBytes = 64 << 20;

/** Messages as lines (MCP, Transports, stdio): one a line, in UTF-8, passed on byte for byte. */
export class LinePort implements MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  readonly #input: Readable;
  readonly #output: Writable;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isClosed = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  start(): Promise<void> {
    this.#input.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#input.once("end", () => this.#end());
    this.#input.once("close", () => this.#end());
    for (const stream of [this.#input, this.#output]) stream.on("error", (error) => this.onProblem?.(error));
    return Promise.resolve();
  }

  async send(text: string): Promise<void> {
    if (this.#isClosed || this.#output.destroyed || this.#output.writableEnded) {
      throw new AffiantError("ERR_UNAVAILABLE_MCP", "the other side has gone");
    }
    // A line ends a message. Between tokens a line feed is white space, and some readers take a carriage return for one: what
    // stands between two of them would be a message that nobody judged. Within a string neither can stand.
    if (!this.#output.write(`${text.replaceAll(/[\r\n]/g, " ")}\n`))
      await Promise.race([once(this.#output, "drain"), once(this.#output, "close")]);
  }

  close(): Promise<void> {
    this.#input.removeAllListeners("data");
    this.#end();
    return Promise.resolve();
  }

  #take(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      this.#held.push(chunk.subarray(from, at));
      this.#line(Buffer.concat(this.#held).toString("utf8"));
      this.#held = [];
      this.#heldBytes = 0;
      from = at + 1;
    }
    this.#held.push(chunk.subarray(from));
    this.#heldBytes += chunk.length - from;
    if (this.#heldBytes > maxLineBytes) {
      this.onProblem?.(new AffiantError("ERR_LIMIT_BODY_SIZE", `a line of more than ${maxLineBytes} bytes`));
      void this.close();
    }
  }

  #line(text: string): void {
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (line.trim() !== "") this.onText?.(line);
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose?.();
  }
}

export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Beside the environment that the program inherits. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A server as a child process, whose standard error is ours. It has our environment, as it would have its client's. */
export class ChildPort extends LinePort {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess & { readonly stdout: Readable; readonly stdin: Writable }) {
    super(child.stdout, child.stdin);
    this.#child = child;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_MCP if the program cannot be started */
  static async open({ program, args, env }: ServerCommand): Promise<ChildPort> {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(new AffiantError("ERR_UNAVAILABLE_MCP", `${program} cannot be started`, { cause })),
      );
    });
    return new ChildPort(child);
  }

  override async close(): Promise<void> {
    await super.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin?.end();
    const ended = once(this.#child, "exit");
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    this.#child.kill("SIGTERM");
    await ended;
    clearTimeout(kill);
  }
}
