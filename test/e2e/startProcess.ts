import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Endpoints } from "../../orchestrator/start/endpoints.ts";
import { eventually } from "../helpers/eventually.ts";

const root = join(import.meta.dirname, "../..");
const entry = join(root, "cli/start/start.js");

/** `npm start -- …` as a process of its own, as a user has it. */
export class StartProcess {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  stdout = "";
  stderr = "";
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  /** @param byNpm through npm itself: what it is told goes to npm */
  constructor(dataDir: string, args: readonly string[], byNpm = false) {
    this.#dataDir = dataDir;
    const own = ["--data", dataDir, ...args];
    const [program, argv] = byNpm
      ? ["npm", ["start", "--silent", "--", ...own]]
      : [process.execPath, ["--disable-warning=ExperimentalWarning", entry, ...own]];
    this.#child = spawn(program, argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"], env: childEnvironment() });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => this.#child.once("close", (code, signal) => resolve({ code, signal })));
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for something, and fails with the output if the process ends first. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(async () => {
      if (await holds()) return true;
      if (this.ended) throw new Error(`npm start ended early:\n${this.stdout}\n${this.stderr}`);
      return false;
    });
  }

  async says(text: string): Promise<void> {
    await this.until(() => this.stdout.includes(text));
  }

  /** Where the running system listens, once all of it is up. */
  async endpoints(): Promise<Endpoints> {
    const path = join(this.#dataDir, "endpoints.json");
    await this.until(() => existsSync(path));
    return JSON.parse(readFileSync(path, "utf8")) as Endpoints;
  }
}

/** Without what the test runner adds: a user's shell has none of it. */
function childEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:HH_|HARDHAT|NODE_OPTIONS)/.test(name)),
  );
}
