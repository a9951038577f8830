import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";

/** One side of a conversation, as texts of one message each: what passes through is never parsed and printed anew. */
export interface MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  /** Nothing comes before this. */
  start(): Promise<void>;
  send(text: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * A transport of the SDK as a port. It parses and prints messages itself: numbers beyond 2^53 are changed on the way. Where
 * that matters, use the ports that carry bytes.
 */
export class SdkPort implements MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  start(): Promise<void> {
    this.#transport.onmessage = (message) => {
      // HTTP transports name the version that was agreed upon in every later request.
      const { protocolVersion } = ("result" in message ? message.result : {}) as { protocolVersion?: unknown };
      if (typeof protocolVersion === "string") this.#transport.setProtocolVersion?.(protocolVersion);
      this.onText?.(JSON.stringify(message));
    };
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
