import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { end } from "./chain.ts";
import { httpTo, type RelayerHome } from "./relayer.ts";

/** A relayer or worker as a process of its own, which can be paused and killed. */
export class RelayerProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it wrote on stderr so far. */
  readonly log: () => string;

  private constructor(child: ChildProcess, url: string, log: () => string) {
    this.child = child;
    this.url = url;
    this.log = log;
  }

  /** @throws Error with what it said, if it ends instead of getting ready */
  static async start(home: RelayerHome, env: Record<string, string> = {}): Promise<RelayerProcess> {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../../relayer/main.ts")], {
      env: { ...process.env, ...home.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const [first] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as unknown[];
    if (!Buffer.isBuffer(first)) throw new Error(said || "the relayer ended without a word");
    const { url } = JSON.parse(String(first)) as { url: string };
    return new RelayerProcess(child, url, () => said);
  }

  get http(): ReturnType<typeof httpTo> {
    return httpTo(this.url);
  }

  /** @returns the exit code */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    await end(this.child, signal);
    return this.child.exitCode;
  }

  pause(): void {
    this.child.kill("SIGSTOP");
  }

  goOn(): void {
    this.child.kill("SIGCONT");
  }
}
