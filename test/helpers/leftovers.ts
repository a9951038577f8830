import { spawnSync } from "node:child_process";

/** What a run of tests may still close by itself once its last test is over, in ms. */
const grace = 30_000;

/**
 * To be called when all tests are over. Hardhat ends when nothing is open any more: a test that failed before it could
 * close its servers and end its programs would keep the run from ending, and its failure from being read. After a grace
 * the run fails, says what is left, and ends the programs that it started itself.
 */
export function endDespiteLeftovers(graceMs = grace): void {
  // Unreferenced: where nothing is left the process is gone before this is due.
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter((name) => name !== "Timeout");
    console.error(`${graceMs / 1_000} s after the last test something is still open: ${open.join(", ")}`);
    for (const { pid, command } of children()) {
      console.error(`a program that was not ended: ${command}`);
      process.kill(pid, "SIGTERM");
    }
    process.exit(1);
  }, graceMs).unref();
}

/** The programs that this process started and that still run. */
function children(): { pid: number; command: string }[] {
  const { error, stdout, pid: own } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" });
  if (error) return [];
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === process.pid && Number(pid) !== own ? [{ pid: Number(pid), command: command! }] : [];
  });
}
