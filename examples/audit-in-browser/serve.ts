/** Serves the page and the SDK's bundles for browsers on 127.0.0.1: `serve.ts [PORT] [SDK_DIST]`. */
import { join } from "node:path";

import express from "express";

// With the package: "@affiant/sdk/agent".
import { hostGuard } from "../../agent/calls/hostGuard.ts";

const [port = "8080", dist = join(import.meta.dirname, "../../sdk/dist")] = process.argv.slice(2);
const app = express();
app.use(hostGuard({ host: "127.0.0.1" }));
app.use("/affiant", express.static(join(dist, "browser")));
app.use(express.static(import.meta.dirname, { extensions: ["html"] }));
const server = app.listen(Number(port), "127.0.0.1", () => {
  const address = server.address();
  if (address && typeof address === "object") console.log(`http://127.0.0.1:${address.port}/`);
});
