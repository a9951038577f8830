/** The attestation service's process. Settings come from the environment: attestation/README.md. */
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { readServiceConfig } from "./config.ts";
import { startService } from "./startService.ts";

try {
  const service = await startService(readServiceConfig());
  process.stdout.write(`${JSON.stringify({ ready: true, url: service.url, account: service.account })}\n`);
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      void service.close().then(() => process.exit(0));
    });
  }
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
}

function describe(error: unknown): string {
  if (!isAffiantError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [`${error.code}: ${error.message}`, error.hint].filter((line) => line !== undefined).join("\n");
}
