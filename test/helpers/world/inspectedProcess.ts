import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Bytes after a full garbage collection: what is left is held on to. */
export interface HeldMemory {
  readonly heapBytes: number;
  /** Buffers, and what native code holds for JavaScript. */
  readonly externalBytes: number;
  /** What the operating system sees; it keeps pages that were free long ago. */
  readonly residentBytes: number;
}

/** A Node program as a process of its own, whose memory can be asked for through its inspector. */
export class InspectedProcess {
  readonly child: ChildProcess;
  /** What it printed first. */
  readonly firstLine: Promise<string>;
  readonly #address: Promise<string>;
  #lastId = 0;

  constructor(file: string, env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, ["--inspect=127.0.0.1:0", file], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.firstLine = this.#first("stdout", /^(.+)$/m);
    this.#address = this.#first("stderr", /Debugger listening on (ws:\S+)/);
  }

  /** Collects garbage there, twice, since finalizers free more, and asks what is left. */
  async heldMemory(): Promise<HeldMemory> {
    const socket = new WebSocket(await this.#address);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    try {
      await this.#ask(socket, "HeapProfiler.collectGarbage");
      await this.#ask(socket, "HeapProfiler.collectGarbage");
      const expression = "JSON.stringify(process.memoryUsage())";
      const { result } = (await this.#ask(socket, "Runtime.evaluate", { expression })) as { result: { value: string } };
      const { heapUsed, external, rss } = JSON.parse(result.value) as NodeJS.MemoryUsage;
      return { heapBytes: heapUsed, externalBytes: external, residentBytes: rss };
    } finally {
      socket.close();
    }
  }

  #ask(socket: WebSocket, method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const listen = ({ data }: MessageEvent) => {
        const answer = JSON.parse(String(data)) as { id?: number; result?: unknown };
        if (answer.id !== id) return;
        socket.removeEventListener("message", listen);
        resolve(answer.result);
      };
      socket.addEventListener("message", listen);
      socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async #first(from: "stdout" | "stderr", pattern: RegExp): Promise<string> {
    const stream = this.child[from]?.setEncoding("utf8");
    let text = "";
    for (;;) {
      const found = pattern.exec(text)?.[1];
      if (found !== undefined || !stream) return found ?? "";
      const [more] = (await Promise.race([once(stream, "data"), once(this.child, "exit")])) as unknown[];
      if (typeof more !== "string") throw new Error(`it ended before it said ${pattern}: ${text.slice(0, 500)}`);
      text += more;
    }
  }
}
