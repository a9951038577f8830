import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { end } from "../../../test/helpers/world/chain.ts";
import type { RelayerHome } from "../../../test/helpers/world/relayer.ts";

const run = promisify(execFile);

/** A relayer whose writes fail by chance, in a process that can be killed and whose disk can be filled. */
export class FaultyProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #home: RelayerHome;

  private constructor(child: ChildProcess, home: RelayerHome, url: string) {
    this.#child = child;
    this.#home = home;
    this.url = url;
  }

  /**
   * @param oneIn writes of the log of which one fails; 0 = none
   * @param onFault hears the kind of each fault
   * @throws Error with what it said, if it ends instead of listening
   */
  static async start(
    home: RelayerHome,
    { seed, oneIn }: { seed: number; oneIn: number },
    onFault: (kind: string) => void,
  ): Promise<FaultyProcess> {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "faultyRelayer.ts"), String(seed), String(oneIn)],
      {
        env: { ...process.env, ...home.env },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const url = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).on("line", (line) => {
        const told = JSON.parse(line) as { url?: string; struck?: string };
        if (told.struck !== undefined) onFault(told.struck);
        if (told.url !== undefined) resolve(told.url);
      });
      void once(child, "exit").then(() => reject(new Error(`the relayer ended: ${said.slice(-1_000)}`)));
    });
    return new FaultyProcess(child, home, url);
  }

  /**
   * From now on no file of the process may grow past the largest that there is, and a little: the system refuses the
   * write in the middle of it, as a full disk does. @returns whether this machine can do that
   */
  async fillDisk(bytesLeft: number): Promise<boolean> {
    const files = (await readdir(this.#home.dir)).filter((name) => name.startsWith("relayer.db"));
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(this.#home.dir, name))).size));
    return this.#limitFiles(String(Math.max(...sizes) + bytesLeft));
  }

  async freeDisk(): Promise<void> {
    await this.#limitFiles("unlimited");
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await end(this.#child, signal);
  }

  #limitFiles(size: string): Promise<boolean> {
    const set = run("prlimit", ["--pid", String(this.#child.pid), `--fsize=${size}:unlimited`]);
    return set.then(
      () => true,
      () => false,
    );
  }
}
