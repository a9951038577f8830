import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";

import type { Subject } from "../subjects.ts";
import type { Answer, Request } from "./messages.ts";
import { makeWorkFolder, removeWorkFolder } from "./workFolder.ts";

/** It took too long, or the process ended: the code under test may loop or take all memory. */
export class Stuck extends Error {}

/** After so many requests the process is replaced: chains that tests leave behind add up. */
const requestsPerProcess = 300;

/** A work folder with a process in it that compiles and tests one contract's mutants, one after another. */
export class TestBench {
  readonly #root: string;
  readonly #subject: Subject;
  #folder = "";
  #child: ChildProcess | undefined;
  #requests = 0;
  #printed = "";

  /** @param root of the repository */
  constructor(root: string, subject: Subject) {
    this.#root = root;
    this.#subject = subject;
  }

  /** @throws Error if the contract does not compile */
  async open(): Promise<void> {
    if (this.#folder === "") {
      const folder = await makeWorkFolder(this.#root);
      this.#folder = folder;
      // Also when this process is ended by Ctrl-C (`main.ts`).
      process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    }
    this.#printed = "";
    this.#requests = 0;
    this.#child = fork(join(import.meta.dirname, "worker.ts"), {
      cwd: this.#folder,
      // It has a Hardhat of its own, also where this process is one.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HARDHAT|HH)_/.test(name))),
      execArgv: ["--disable-warning=ExperimentalWarning"],
      silent: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.#printed = `${this.#printed}${chunk.toString()}`.slice(-4000)));
    }
    const answer = await this.#ask({ ask: "prepare", subject: this.#subject }, 1_200_000);
    if (answer.answer !== "compiled") throw new Error(`${this.#subject.name} does not compile`);
  }

  /** @throws Stuck; the next request starts a new process */
  async ask(request: Request, timeoutMs: number): Promise<Answer> {
    // Not between a mutant's code and its tests.
    if (!this.#child || (this.#requests > requestsPerProcess && request.ask !== "test")) {
      await this.#end();
      await this.open();
    }
    return this.#ask(request, timeoutMs);
  }

  async close(): Promise<void> {
    await this.#end();
    if (this.#folder !== "") await removeWorkFolder(this.#folder);
  }

  async #ask(request: Request, timeoutMs: number): Promise<Answer> {
    const child = this.#child;
    if (!child) throw new Error("the test process is not there");
    this.#requests += 1;
    const ending = new AbortController();
    const timeout = setTimeout(() => ending.abort(new Stuck("timed out")), timeoutMs);
    child.once("exit", (code, signal) => ending.abort(new Stuck(`the test process ended (${code ?? signal})`)));
    try {
      const answered = once(child, "message", { signal: ending.signal });
      child.send(request);
      const [answer] = (await answered) as [Answer];
      if (answer.answer === "broken") throw new Error(`${answer.why}\n${this.#printed}`);
      return answer;
    } catch (error) {
      const cause: unknown = ending.signal.aborted ? ending.signal.reason : error;
      await this.#end();
      throw cause;
    } finally {
      clearTimeout(timeout);
      child.removeAllListeners("exit");
    }
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
}
