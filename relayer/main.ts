/** The relayer's process. Settings come from the environment: docs/relayer.md. */
import { errorLines, printJson, printLines } from "../host/terminal/print.ts";
import { readRelayerConfig } from "./config.ts";
import { startRelayer } from "./startRelayer.ts";

try {
  const relayer = await startRelayer(readRelayerConfig());
  printJson("stdout", { ready: true, url: relayer.url });
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      relayer.close().then(
        () => process.exit(0),
        (error: unknown) => {
          printLines("stderr", errorLines(error));
          process.exit(1);
        },
      );
    });
  }
} catch (error) {
  printLines("stderr", errorLines(error));
  process.exit(1);
}
