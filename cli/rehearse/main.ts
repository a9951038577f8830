/** `npm run rehearse -- sepolia`: docs/rehearsal.md says what it does, and what could only be rehearsed. */
import { printLines } from "../../host/terminal/print.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { TerminalProgress } from "../start/terminal.ts";
import { readRehearseOptions } from "./options.ts";
import { rehearse } from "./rehearse.ts";
import { writeReport } from "./report.ts";

const options = readRehearseOptions(process.argv.slice(2));
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
try {
  const progress = new TerminalProgress("stdout");
  const result = await rehearse(options, progress, stop.signal);
  progress.clear();
  process.exitCode = (await writeReport(options, result)) ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  if (stop.signal.aborted) process.exitCode = 130;
  else if (!isAffiantError(error)) throw error;
  else {
    const last = Array.isArray(error.details["lastLines"]) ? error.details["lastLines"] : [];
    const what = `rehearse: ${error.code}: ${error.message} (everything is in ${options.folder})`;
    printLines("stderr", ["", what, ...last.map((line) => `  | ${String(line)}`)]);
  }
}
