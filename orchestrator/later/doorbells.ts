import { connect, createServer, type Server, type Socket } from "node:net";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { ProgramSpec } from "../process/childProcess.ts";
import type { Supervisor } from "../process/supervisor.ts";
import type { Endpoints } from "../start/endpoints.ts";
import { isOpenAnswer, type OpenAnswer, type OpenRequest } from "./laterService.ts";

/** Which services come later, and the program that has them all. */
export interface LaterServices {
  readonly names: readonly string[];
  /** Absolute; it calls `serveLater`. */
  readonly program: string;
}

export interface DoorbellOptions {
  readonly services: LaterServices;
  readonly supervisor: Pick<Supervisor, "start" | "send">;
  readonly dataDir: string;
  readonly logPath: string;
  readonly endpoints: Endpoints;
  /** Told what a service that does not open says. */
  readonly onTrouble: (name: string, reason: string) => void;
}

const processName = "later";

/**
 * A port each for the services that come later. Nothing runs behind them until somebody rings: then their one process is started,
 * the service opened in it, and the connection passed on as it is. Whose Host and Origin may come in is the service's to check.
 */
export class Doorbells {
  readonly #options: DoorbellOptions;
  readonly #servers = new Map<string, Server>();
  readonly #sockets = new Set<Socket>();
  readonly #behind = new Map<string, Promise<number>>();
  readonly #waiting = new Map<string, PromiseWithResolvers<number>>();
  #process: Promise<unknown> | undefined;

  private constructor(options: DoorbellOptions) {
    this.#options = options;
  }

  static async hang(options: DoorbellOptions): Promise<Doorbells> {
    const bells = new Doorbells(options);
    for (const name of options.services.names) {
      // Half-open, as the service itself may want a connection to be.
      const server = createServer(
        { allowHalfOpen: true, pauseOnConnect: true },
        (socket) => void bells.#rung(name, socket),
      );
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
      bells.#servers.set(name, server);
    }
    return bells;
  }

  /** Where each is to be reached, by name. */
  get urls(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#servers.keys()].map((name) => [name, this.#urlOf(name)]));
  }

  /** The process ended by itself and is up again: what was open in it is not. */
  restarted(process: string): void {
    if (process === processName) this.#behind.clear();
  }

  close(): void {
    for (const server of this.#servers.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const waiting of this.#waiting.values()) waiting.reject(new Error("the system ends"));
  }

  async #rung(name: string, caller: Socket): Promise<void> {
    this.#hold(caller);
    try {
      const port = await this.#portOf(name);
      const inside = this.#hold(connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
      inside.once("error", () => this.#behind.delete(name));
      inside.once("close", () => caller.destroySoon());
      caller.once("close", () => inside.destroySoon());
      caller.pipe(inside).pipe(caller);
    } catch (error) {
      this.#options.onTrouble(name, (error as Error).message);
      caller.destroy();
    }
  }

  #hold(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    return socket.once("close", () => this.#sockets.delete(socket));
  }

  #portOf(name: string): Promise<number> {
    let port = this.#behind.get(name);
    if (!port) {
      port = this.#open(name);
      this.#behind.set(name, port);
      port.catch(() => this.#behind.delete(name));
    }
    return port;
  }

  async #open(name: string): Promise<number> {
    const { supervisor, dataDir, endpoints } = this.#options;
    await (this.#process ??= supervisor.start(this.#program()).catch((error: unknown) => {
      this.#process = undefined;
      throw error;
    }));
    const waiting = Promise.withResolvers<number>();
    waiting.promise.catch(() => undefined);
    this.#waiting.set(name, waiting);
    const request: OpenRequest = { open: name, place: { dataDir, endpoints, publicUrl: this.#urlOf(name) } };
    if (!supervisor.send(processName, request)) {
      throw new AffiantError("ERR_UNAVAILABLE_PROCESS", "the process of the later services is not there");
    }
    return waiting.promise;
  }

  #program(): ProgramSpec {
    const { services, logPath, dataDir } = this.#options;
    const onMessage = (message: unknown): void => {
      if (isOpenAnswer(message)) this.#heard(message);
    };
    return { name: processName, argv: [services.program], env: {}, logPath, folder: dataDir, onMessage };
  }

  #heard(answer: OpenAnswer): void {
    if ("opened" in answer) this.#waiting.get(answer.opened)?.resolve(answer.port);
    else {
      const error = new AffiantError("ERR_UNAVAILABLE_PROCESS", `${answer.failed} does not open: ${answer.reason}`);
      this.#waiting.get(answer.failed)?.reject(error);
    }
  }

  #urlOf(name: string): string {
    const address = this.#servers.get(name)?.address();
    return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  }
}
