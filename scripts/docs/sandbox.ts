import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** How long a command may take, and how long a service may take to come up. */
const timeoutMs = 300_000;

/** A folder in which commands are run by a shell. Services stay up until the end. */
export class Sandbox {
  readonly folder: string;
  readonly #services = new Map<string, ChildProcess>();
  /** What the services have printed. */
  printed = "";

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws Error with what was printed, if the exit code is another */
  async run(text: string, exitCode = 0): Promise<string> {
    const child = this.#start(text);
    let printed = "";
    const take = (chunk: Buffer): void => void (printed += chunk.toString());
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    const timer = setTimeout(() => this.#end(child), timeoutMs);
    await once(child, "close");
    clearTimeout(timer);
    if (child.exitCode === exitCode) return printed;
    throw new Error(`exit code ${child.exitCode ?? child.signalCode} instead of ${exitCode}:\n${printed}`);
  }

  /** Starts what stays up, once, and waits until it has printed what tells that it is ready. */
  async serve(name: string, text: string, readyAt: RegExp): Promise<void> {
    if (this.#services.has(name)) return;
    const child = this.#start(text);
    this.#services.set(name, child);
    let printed = "";
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready in time:\n${printed}`)), timeoutMs);
      const take = (chunk: Buffer): void => {
        printed += chunk.toString();
        this.printed += chunk.toString();
        if (!readyAt.test(printed)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout?.on("data", take);
      child.stderr?.on("data", take);
      child.once("close", (code) => {
        clearTimeout(timer);
        reject(new Error(`ended with exit code ${code}:\n${printed}`));
      });
    });
  }

  async close(): Promise<void> {
    // The system last: others use it.
    for (const child of [...this.#services.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, "close");
      this.#end(child);
      await closed;
    }
  }

  #start(text: string): ChildProcess {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|AFFIANT_)/i.test(name));
    const PATH = `${join(this.folder, "node_modules/.bin")}:${process.env["PATH"]}`;
    // A group of its own: a shell does not pass signals on.
    return spawn("bash", ["-c", text], {
      cwd: this.folder,
      env: { ...Object.fromEntries(inherited), PATH, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  }

  #end(child: ChildProcess): void {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
  }
}
