/** `npm start`: see `cli/start/options.ts` for what it takes and `cli/start/run.ts` for what it does. */
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
    console.error(`affiant: ${error.message}`);
    if (error.hint !== undefined) console.error(`  ${error.hint}`);
    const lines = error.details["lastLines"];
    if (Array.isArray(lines)) for (const line of lines) console.error(`  | ${line}`);
  } else {
    console.error(error);
  }
}
