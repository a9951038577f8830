import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface CommandRun {
  readonly env?: Readonly<Record<string, string>>;
  /** Told each line of stderr, which is where progress goes. */
  readonly onLine?: (line: string) => void;
  /** Kills it without a warning when a line of stderr makes this true. */
  readonly killWhen?: (line: string) => boolean;
  /** Others than 0 that are no failure. */
  readonly exitCodes?: readonly number[];
}

const program = join(import.meta.dirname, "../affiant.ts");

/**
 * Runs a command as its users do: as a process of its own.
 * @returns what it printed; undefined if it was killed
 * @throws AffiantError ERR_UNAVAILABLE_PROCESS with its last lines, if it fails
 */
export async function affiant(args: readonly string[], run: CommandRun = {}): Promise<string | undefined> {
  const child = spawn(process.execPath, ["--no-warnings", program, ...args], {
    env: { ...process.env, ...run.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const last: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    last.push(line);
    run.onLine?.(line);
    if (run.killWhen?.(line) === true) child.kill("SIGKILL");
  });
  const [printed] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (child.signalCode !== null && run.killWhen) return undefined;
  if (child.exitCode === 0 || (run.exitCodes ?? []).includes(child.exitCode ?? -1)) return printed;
  throw new AffiantError("ERR_UNAVAILABLE_PROCESS", `affiant ${args.slice(0, 2).join(" ")} failed`, {
    details: { lastLines: [...last, ...printed.trim().split("\n")].slice(-12) },
  });
}
