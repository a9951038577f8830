/** `npm start`: see `cli/start/options.ts` for what it takes and `cli/start/run.ts` for what it does. */
import { errorLines, printLines } from "../../host/terminal/print.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { readStartOptions } from "./options.ts";
import { run } from "./run.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());

try {
  process.exitCode = await run(readStartOptions(process.argv.slice(2)), stop);
} catch (error) {
  process.exitCode = 1;
  if (isAffiantError(error)) {
    const { message, hint, details } = error;
    const last = Array.isArray(details["lastLines"]) ? details["lastLines"] : [];
    const more = [...(hint === undefined ? [] : [hint]), ...last.map((line) => `| ${String(line)}`)];
    printLines("stderr", [`affiant: ${message}`, ...more.map((line) => `  ${line}`)]);
  } else {
    printLines("stderr", errorLines(error));
  }
}
