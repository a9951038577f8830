import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const program = join(import.meta.dirname, "../../cli/affiant.js");

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read documents of every shape
  json(): any;
}

/** Runs `affiant` in a process of its own, without what the environment of the tests may hold of its settings. */
export async function affiant(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AFFIANT_"));
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stdout, stderr, json: () => JSON.parse(stdout) as unknown };
}
