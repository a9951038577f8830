/** An Express endpoint that nobody calls without a contract. See README.md for the commands. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import express from "express";

// With the package: "@affiant/sdk/agent" and "@affiant/sdk/protocol".
import {
  CachedRevocations,
  ChainProvider,
  ChainRevocations,
  Guard,
  guarded,
  hostGuard,
  loadPolicyBundle,
  openAgent,
  SqliteReplayStore,
} from "../../sdk/agent.ts";
import { AffiantError, parseDeployment } from "../../sdk/protocol.ts";

const [dataDir = "data", port = "3000"] = process.argv.slice(2);
const endpoints = JSON.parse(await readFile(join(dataDir, "endpoints.json"), "utf8")) as Record<string, string>;
const { relayerUrl = "", rpcUrl = "", deploymentPath = "" } = endpoints;
const deployment = parseDeployment(await readFile(resolve(dataDir, deploymentPath), "utf8"));
const { chainId, contracts } = deployment;

const till = await openAgent({ dataDir, name: "till", relayerUrl, rpcUrl, deployment });
await till.register();
await till.commitPolicy(await loadPolicyBundle(join(import.meta.dirname, "policy")));

const provider = new ChainProvider({ url: rpcUrl, chainId });
const revocations = new ChainRevocations(provider, contracts.contractRegistry.address, BigInt(chainId));
const guard = new Guard({
  executor: till.signingKey,
  replayStore: new SqliteReplayStore(join(dataDir, "agents/till/calls.db")),
  revocations: new CachedRevocations(revocations, 10), // seconds
  nowSec: () => Math.floor(Date.now() / 1000),
});

let balance = 0;
const app = express();
// A page in a browser of this machine may have a name of its own lead here: only this machine's names are served.
app.use(hostGuard({ host: "127.0.0.1" }));
app.post(
  "/charge",
  express.json(),
  guarded({
    guard,
    recorder: till,
    command: "/till/charge",
    handler: ({ args }) => {
      const { amount } = args;
      if (typeof amount !== "number") throw new AffiantError("ERR_INPUT_MALFORMED", "amount is a number");
      balance += amount;
      return { balance };
    },
  }),
);
const server = app.listen(Number(port), "127.0.0.1", () => {
  const address = server.address();
  if (address && typeof address === "object") console.log(`POST http://127.0.0.1:${address.port}/charge`);
});
