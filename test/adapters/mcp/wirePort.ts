import type { MessagePort } from "../../../adapters/mcp/messagePort.ts";

/** One side, in memory: what was sent to it, and a way to speak for it. */
export class WirePort implements MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  readonly received: string[] = [];
  onReceived: (text: string) => void = () => undefined;

  start(): Promise<void> {
    return Promise.resolve();
  }

  send(text: string): Promise<void> {
    this.received.push(text);
    this.onReceived(text);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  say(text: string): void {
    this.onText?.(text);
  }
}
