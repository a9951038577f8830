/** The process that keeps the local chain: anvil, its blocks and its state on disk. */
import { mkdirSync } from "node:fs";

import { errorLines, printJson, printLines } from "../../host/terminal/print.ts";
import { readChainConfig } from "./config.ts";
import { LocalChain } from "./localChain.ts";

try {
  const config = readChainConfig(process.env);
  mkdirSync(config.dir, { recursive: true });
  const chain = await LocalChain.open(config);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => chain.close());
  printJson("stdout", { ready: true, url: chain.url, blockNumber: await chain.blockNumber() });
  // If anvil died, this process ends too; its supervisor starts both again from the last state.
  process.exitCode = (await chain.run()) === "closed" ? 0 : 1;
} catch (error) {
  printLines("stderr", errorLines(error));
  process.exitCode = 1;
}
