import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import { stateFileIn } from "../../../orchestrator/state/stateFile.ts";

const cli = join(import.meta.dirname, "../../../cli/affiant.js");

/** `affiant up` as a process, and how far it is. */
export class UpRun {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  output = "";

  constructor(descriptor: string, dataDir: string) {
    this.#dataDir = dataDir;
    const argv = [cli, "up", descriptor, "--data", dataDir, "--port", "0", "--rpc-port", "0"];
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get isUp(): boolean {
    return this.output.includes(" is up; ");
  }

  /** How many steps of the orchestrator are on disk; what is before its first act counts by what is in the folder. */
  steps(): number {
    const ground = ["chain/mnemonic", "deployment.json", "relayer/relayer.db", "attestation/service.token"];
    return ground.filter((path) => existsSync(join(this.#dataDir, path))).length + actsIn(this.#dataDir);
  }

  /** Waits for a step. @returns false if the run ended, or was up, before there was one */
  async reaches(step: number, timeoutMs = 240_000): Promise<boolean> {
    for (const until = Date.now() + timeoutMs; Date.now() < until;) {
      if (this.steps() >= step) return !this.ended;
      if (this.ended || this.isUp) return false;
      await sleep(10);
    }
    throw new Error(`step ${step} was not reached:\n${this.output}`);
  }

  /** Waits until it is up. @returns false if it ended instead */
  async up(timeoutMs = 400_000): Promise<boolean> {
    for (const until = Date.now() + timeoutMs; Date.now() < until && !this.ended;) {
      if (this.isUp) return true;
      await sleep(50);
    }
    if (!this.ended) throw new Error(`it does not come up:\n${this.output}`);
    return false;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.ended) return;
    const closed = once(this.#child, "close");
    this.#child.kill(signal);
    await closed;
  }
}

function actsIn(dataDir: string): number {
  const path = stateFileIn(dataDir);
  if (!existsSync(path)) return 0;
  const state = new DatabaseSync(path, { readOnly: true });
  try {
    state.exec("PRAGMA busy_timeout = 2000");
    const row = state.prepare("SELECT count(*) AS n FROM records WHERE kind = 'act'").get();
    return (row as { n: number }).n;
  } catch {
    return 0; // its tables are being made
  } finally {
    state.close();
  }
}
