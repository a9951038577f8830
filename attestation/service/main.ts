/** The attestation service's process. Settings come from the environment: attestation/README.md. */
import { errorLines, printJson, printLines } from "../../host/terminal/print.ts";
import { readServiceConfig } from "./config.ts";
import { startService } from "./startService.ts";

try {
  const service = await startService(readServiceConfig());
  printJson("stdout", { ready: true, url: service.url, account: service.account });
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      void service.close().then(() => process.exit(0));
    });
  }
} catch (error) {
  printLines("stderr", errorLines(error));
  process.exit(1);
}
