/** `npm run torture -- starved [RUNS] [LOOPS]`: `npm start -- --once` beside busy loops; every run ends with every verdict holding. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [runs = 5, loops = 16] = process.argv.slice(2).map(Number);
const root = join(import.meta.dirname, "../..");

const busy: ChildProcess[] = Array.from({ length: loops }, () =>
  spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }),
);
process.once("exit", () => busy.forEach((loop) => loop.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

let held = 0;
for (let run = 1; run <= runs; run++) {
  const dir = mkdtempSync(join(tmpdir(), "affiant-starved-"));
  const began = performance.now();
  const args = ["start", "--silent", "--", "--once", "--port", "0", "--rpc-port", "0", "--data", join(dir, "data")];
  const json = join(dir, "verdicts.json");
  const child = spawn("npm", [...args, "--json", json], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-8_000)));
  }
  const [code] = (await once(child, "close")) as [number | null];
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  const good = code === 0 && allHold(json);
  if (good) held++;
  else console.error(said);
  console.log(
    `run ${run} of ${runs} beside ${loops} busy loops: ${good ? "every verdict holds" : `failed (${code})`}, ${seconds} s`,
  );
  rmSync(dir, { recursive: true, force: true });
}
console.log(`${held} of ${runs} runs ended with every verdict holding`);
process.exit(held === runs ? 0 : 1);

/** The report itself is read, and not only the exit code: a report without verdicts holds nothing. */
function allHold(path: string): boolean {
  try {
    const { ok, audit } = JSON.parse(readFileSync(path, "utf8")) as {
      ok: boolean;
      audit: { summary: { verdicts: { holds: number; fails: number; unproven: number } } };
    };
    const { holds, fails, unproven } = audit.summary.verdicts;
    return ok && holds > 0 && fails === 0 && unproven === 0;
  } catch {
    return false;
  }
}
