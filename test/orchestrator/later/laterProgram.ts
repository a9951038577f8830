/** The later services of a test. The test runner only imports it. */
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import type { LaterService } from "../../../orchestrator/later/laterService.ts";
import { serveLater } from "../../../orchestrator/later/serveLater.ts";

const echo: LaterService = {
  name: "echo",
  about: "says what it was asked",
  async open({ dataDir, publicUrl }) {
    appendFileSync(join(dataDir, "opened"), `echo ${process.pid}\n`);
    const server = createServer((request, response) => {
      if (request.url === "/die") process.exit(7);
      request.pipe(response.writeHead(200, { "x-url": publicUrl, "x-pid": `${process.pid}` }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { port: (server.address() as AddressInfo).port, close: async () => void server.close() };
  },
};

const broken: LaterService = {
  name: "broken",
  about: "never opens",
  open: () => Promise.reject(new Error("the moon is full")),
};

if (import.meta.main) serveLater([echo, broken]);
