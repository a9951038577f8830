import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import type { CommitName } from "../../../relayer/store/database.ts";
import { end } from "../../../test/helpers/world/chain.ts";

/** Where a relayer dies: around the n-th commit of a name. */
export interface KillPoint {
  readonly point: "before-commit" | "after-commit";
  readonly name: CommitName;
  readonly count: number;
}

/** A relayer process, perhaps one that will kill itself. */
export class RelayerProcess {
  readonly #child: ChildProcess;
  readonly #complaints: string[] = [];
  /** Undefined if it ended before it listened. */
  readonly url: Promise<string | undefined>;

  constructor(env: Readonly<Record<string, string>>, kill?: KillPoint) {
    const args = [kill?.point ?? "before-commit", kill?.name ?? "job.add", String(kill?.count ?? 0)];
    this.#child = spawn(
      process.execPath,
      [join(import.meta.dirname, "../../../test/helpers/world/crashingRelayer.ts"), ...args],
      {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#complaints.push(text));
    this.url = this.#firstLine();
  }

  get isDead(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get killedItself(): boolean {
    return this.#child.signalCode === "SIGKILL";
  }

  get complaints(): string {
    return this.#complaints.join("");
  }

  /** Asleep, with whatever it holds. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child.kill("SIGCONT");
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await end(this.#child, signal);
  }

  async #firstLine(): Promise<string | undefined> {
    const stdout = this.#child.stdout?.setEncoding("utf8");
    if (!stdout) return undefined;
    const [line] = (await Promise.race([once(stdout, "data"), once(this.#child, "exit")])) as unknown[];
    return typeof line === "string" ? (JSON.parse(line) as { url: string }).url : undefined;
  }
}
