/**
 * `npm run check`: every check, as many at once as there are cores. What one prints stays together. All of them run, whichever
 * fails; the exit code is 1 if one does.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { text } from "node:stream/consumers";

/** Scripts of package.json, those that take longest first. */
const checks = [
  "check:generated",
  "lint",
  "typecheck",
  "check:format",
  "check:contracts",
  "check:storage",
  "check:imports",
];

const waiting = [...checks];
const failed: string[] = [];

async function runNext(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const run = spawn("npm", ["run", "--silent", name], { stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, [code]] = await Promise.all([text(run.stdout), text(run.stderr), once(run, "close")]);
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    if (code !== 0) failed.push(name);
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, runNext));
if (failed.length > 0) {
  console.error(`\n${failed.length} of ${checks.length} checks failed: ${failed.sort().join(", ")}`);
  process.exitCode = 1;
} else console.log(`${checks.length} checks passed`);
