import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { bundleOf } from "../bundle/bundleOf.ts";
import { LogFile } from "./logFile.ts";

/** A program of ours, run by this Node as a process of its own. */
export interface ProgramSpec {
  /** Short and unique, e.g. `relayer`; for people. */
  readonly name: string;
  /** The program's file and its arguments. */
  readonly argv: readonly [string, ...string[]];
  /** All that it gets beside PATH, HOME and the like. A secret belongs in a file, not here. */
  readonly env: Readonly<Record<string, string>>;
  readonly logPath: string;
  /** The data folder it works in, so that the next owner of the folder waits until it is gone (`folderLock.ts`). */
  readonly folder?: string;
  readonly readyTimeoutMs?: number;
  /** How long it may take to end after SIGTERM before it is killed. */
  readonly stopGraceMs?: number;
  /** Told what the process says over the channel to its parent. */
  readonly onMessage?: (message: unknown) => void;
}

/** The JSON line by which a program says that it can be used. */
export interface ReadyLine {
  readonly ready: true;
  readonly url?: string;
  readonly [extra: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const leash = join(import.meta.dirname, "leash.ts");
// node:sqlite still announces itself as experimental on every start, which would only fill the logs.
const quiet = "--disable-warning=ExperimentalWarning";

/** How Node is to run a program of ours: its bundle, which has the leash in it, or its source and the leash before it. */
function nodeArgs([program, ...args]: readonly [string, ...string[]]): readonly string[] {
  const bundle = bundleOf(program);
  return bundle === undefined
    ? [quiet, "--import", pathToFileURL(leash).href, program, ...args]
    : [quiet, bundle, ...args];
}
const inherited = ["PATH", "HOME", "TMPDIR", "TMP", "TEMP", "SystemRoot", "TZ", "LANG", "LC_ALL"];

/** One run of a program, from its start to its end. */
export class RunningProcess {
  readonly spec: ProgramSpec;
  readonly pid: number;
  /** Settles when the process is gone. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #log: LogFile;
  #gone = false;

  constructor(spec: ProgramSpec, environment: NodeJS.ProcessEnv) {
    this.spec = spec;
    this.#log = new LogFile(spec.logPath);
    const folder = spec.folder === undefined ? {} : { AFFIANT_LEASH_FOLDER: spec.folder };
    const env = { ...pick(environment, inherited), ...folder, ...spec.env };
    // A group of its own: Ctrl-C reaches the parent alone, which then ends its children in the right order.
    this.#child = this.#log.lend((fd) =>
      spawn(process.execPath, nodeArgs(spec.argv), {
        env,
        detached: true,
        windowsHide: true,
        stdio: ["ignore", fd, fd, "ipc"],
      }),
    );
    this.pid = this.#child.pid ?? -1;
    if (spec.onMessage) this.#child.on("message", spec.onMessage);
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit) => {
        this.#gone = true;
        resolve(exit);
      };
      this.#child.once("exit", (code, signal) => end({ code, signal }));
      this.#child.once("error", () => end({ code: null, signal: null }));
    });
  }

  /** @throws AffiantError ERR_UNAVAILABLE_PROCESS with the last lines it wrote, if it ends first or takes too long */
  async ready(): Promise<ReadyLine> {
    const deadline = Date.now() + (this.spec.readyTimeoutMs ?? 600_000);
    for (;;) {
      const line = findReadyLine(this.#log.head());
      if (line) return line;
      if (this.#gone) throw this.#failure("ended before it was ready");
      if (Date.now() > deadline) throw this.#failure("did not become ready in time");
      await Promise.race([sleep(25), this.exited]);
    }
  }

  /** Says something over the channel. @returns false if nobody is there to hear it */
  send(message: object): boolean {
    return this.#child.connected && this.#child.send(message, () => undefined);
  }

  /** Asks it to end, and kills it if it does not. */
  async stop(): Promise<Exit> {
    if (!this.#gone) this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), this.spec.stopGraceMs ?? 10_000);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  #failure(what: string): AffiantError {
    return new AffiantError("ERR_UNAVAILABLE_PROCESS", `${this.spec.name} ${what}`, {
      hint: `See ${this.spec.logPath}`,
      details: { process: this.spec.name, lastLines: this.#log.tail(8) },
    });
  }
}

function findReadyLine(output: string): ReadyLine | undefined {
  for (const line of output.split("\n").slice(0, -1)) {
    if (!line.startsWith("{")) continue;
    try {
      const value = JSON.parse(line) as { ready?: unknown };
      if (value.ready === true) return value as ReadyLine;
    } catch {
      continue; // a line of its log that only looks like JSON
    }
  }
  return undefined;
}

function pick(environment: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const entries = names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]]));
  return Object.fromEntries(entries) as Record<string, string>;
}
