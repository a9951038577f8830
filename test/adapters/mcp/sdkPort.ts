import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";

import type { MessagePort } from "../../../adapters/mcp/messagePort.ts";

/** A transport of the SDK as a port, for clients in the same process. It parses and prints messages itself. */
export class SdkPort implements MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  start(): Promise<void> {
    this.#transport.onmessage = (message) => this.onText?.(JSON.stringify(message));
    this.#transport.onclose = () => this.onClose?.();
    this.#transport.onerror = (error) => this.onProblem?.(error);
    return this.#transport.start();
  }

  send(text: string): Promise<void> {
    return this.#transport.send(JSON.parse(text) as JSONRPCMessage);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
