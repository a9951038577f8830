/** The relayer's process. Settings come from the environment: docs/relayer.md. */
import { isAffiantError } from "../protocol/errors/affiantError.ts";
import { readRelayerConfig } from "./config.ts";
import { startRelayer } from "./startRelayer.ts";

try {
  const relayer = await startRelayer(readRelayerConfig());
  process.stdout.write(`${JSON.stringify({ ready: true, url: relayer.url })}\n`);
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      relayer.close().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`${describe(error)}\n`);
          process.exit(1);
        },
      );
    });
  }
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
}

function describe(error: unknown): string {
  if (!isAffiantError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = [`${error.code}: ${error.message}`];
  if (error.hint) lines.push(error.hint);
  if (typeof error.cause === "string") lines.push(error.cause);
  return lines.join("\n");
}
