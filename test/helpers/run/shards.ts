import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a run of tests comes to, as Hardhat counts it. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly todo: number;
}

/** Where a run that is a part of a larger one leaves its summary. */
export const summaryVariable = "AFFIANT_TEST_SUMMARY";

/**
 * Runs shares of test files in processes of their own, so many at a time, and prints what each says when it is over: two
 * runs that speak at once cannot be read.
 * @param command what runs a share, followed by its files
 */
export async function runShares(
  shares: readonly (readonly string[])[],
  atOnce: number,
  command: readonly [string, ...string[]],
): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), "affiant-tests-"));
  const waiting = shares.map((files, number) => ({ files, number }));
  let total: Summary = { passed: 0, failed: 0, skipped: 0, todo: 0 };
  const work = async (): Promise<void> => {
    for (let share = waiting.shift(); share; share = waiting.shift()) {
      const file = join(folder, `${share.number}.json`);
      const { code, output } = await runOne(command, share.files, file);
      process.stdout.write(output);
      total = add(total, summaryIn(file, code));
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
    return total;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runOne([program, ...args]: readonly [string, ...string[]], files: readonly string[], summaryFile: string) {
  const child = spawn(program, [...args, ...files], {
    env: { ...process.env, [summaryVariable]: summaryFile },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

/** A share that ended without a summary, or badly without a failure, is one failure: it never passes by saying nothing. */
function summaryIn(file: string, code: number | null): Summary {
  const nothing: Summary = { passed: 0, failed: 0, skipped: 0, todo: 0 };
  let said: Summary | undefined;
  try {
    said = { ...nothing, ...(JSON.parse(readFileSync(file, "utf8")) as Partial<Summary>) };
  } catch {
    return { ...nothing, failed: 1 };
  }
  return code !== 0 && said.failed === 0 ? { ...said, failed: 1 } : said;
}

function add(a: Summary, b: Summary): Summary {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    todo: a.todo + b.todo,
  };
}
