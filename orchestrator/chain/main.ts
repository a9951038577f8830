/** The process that keeps the local chain: anvil, its blocks and its state on disk. */
import { mkdirSync } from "node:fs";

import { errorLines, printJson, printLines } from "../../host/terminal/print.ts";
import { BlockWatch } from "../../host/watch/blockWatch.ts";
import { askHead } from "../../host/watch/askHead.ts";
import { askEndpoint } from "../../host/watch/endpoint.ts";
import { serveWatch } from "../../host/watch/serveWatch.ts";
import { readChainConfig } from "./config.ts";
import { freePorts } from "../preflight/ports.ts";
import { LocalChain } from "./localChain.ts";

try {
  const config = readChainConfig(process.env);
  mkdirSync(config.dir, { recursive: true });
  // Everybody asks the watch, which is told of each block by who mines it; anvil itself is asked by these two alone.
  const [doorPort = 0] = await freePorts(1);
  const told: { watch?: BlockWatch } = {};
  const chain = await LocalChain.open({ ...config, port: doorPort, onBlock: (block) => told.watch?.told(block) });
  const ask = askEndpoint(chain.anvilUrl);
  const watch = (told.watch = new BlockWatch(ask));
  watch.told(await askHead(ask));
  const served = await serveWatch(watch, config.port);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => chain.close());
  const running = chain.run();
  printJson("stdout", { ready: true, url: served.url, blockNumber: watch.head?.number });
  // If anvil died, this process ends too; its supervisor starts both again from the last block.
  process.exitCode = (await running) === "closed" ? 0 : 1;
  await served.close();
} catch (error) {
  printLines("stderr", errorLines(error));
  process.exitCode = 1;
}
