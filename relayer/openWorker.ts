import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { type Logger, pino } from "pino";

import { readVerifyingArtifacts } from "../circuits/artifacts.ts";
import { deadlines } from "../host/http/deadlines.ts";
import { parseDeployment } from "../protocol/deployment.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { askPatiently } from "./chain/askPatiently.ts";
import { connectChain } from "./chain/connectChain.ts";
import type { Closers } from "./closers.ts";
import type { RelayerConfig } from "./config.ts";
import { createApp } from "./http/app.ts";
import { docsRouter } from "./http/docsRouter.ts";
import { endServer } from "./http/endServer.ts";
import { listen } from "./http/listen.ts";
import { createMetrics } from "./http/metrics.ts";
import { opsRouter } from "./http/opsRouter.ts";
import { openGuards } from "./http/openGuards.ts";
import { readiness } from "./http/readiness.ts";
import { requestsRouter } from "./http/requestsRouter.ts";
import { openSending, startSending } from "./openSending.ts";
import { KeyOwnershipProofs } from "./proofs/keyOwnershipProofs.ts";
import { ProofPool } from "../circuits/pool/proofPool.ts";
import { proofsRouter } from "./proofs/proofsRouter.ts";
import { openSenderKey } from "./sender/signer.ts";
import { type CommitHook, openDatabase } from "./store/database.ts";
import { lockFolder } from "./store/folderLock.ts";
import { openTraces } from "./traces/openTraces.ts";

/**
 * A process beside the relayer, on the same data folder of the same machine: it takes sponsored requests and drives lanes.
 * The log stays with the one relayer that writes it.
 * @returns the URL it is at
 * @throws AffiantError ERR_CONFLICT_RUNNING, ERR_INPUT_FILE, ERR_INPUT_REDIS, ERR_INPUT_DEPLOYMENT, ERR_CONFLICT_PORT
 */
export async function openWorker(
  config: RelayerConfig,
  seams: { readonly logger?: Logger; readonly commitHook?: CommitHook },
  closers: Closers,
): Promise<string> {
  const logger = seams.logger ?? pino({ level: config.logLevel }, pino.destination(2));
  const deployment = parseDeployment(readFileSync(config.deploymentFile, "utf8"));
  requireKey(config.senderKeyFile);
  const operator = openSenderKey(config.senderKeyFile);
  const lock = lockFolder(config.dataDir, "worker");
  closers.add(() => lock.release());
  const traces = await openTraces(config.traces, logger);
  closers.add(() => traces.close());
  const database = openDatabase(join(config.dataDir, "relayer.db"), seams.commitHook, config.journalKeyFile);
  closers.add(() => database.close());
  const chain = connectChain(config, deployment);
  await askPatiently(() => chain.heads.poll());
  const sending = await openSending(config, { deployment, chain, database, operator, logger, traces }, closers);
  const { requests } = sending;

  const { verificationKey } = await readVerifyingArtifacts("key-ownership", config.circuitKeysDir);
  const proofPool = new ProofPool({ verificationKey, threads: config.proofThreads, limit: config.proofLimit });
  closers.add(() => proofPool.close());
  const registry = { chainId: deployment.chainId, address: chain.agents.address, abi: chain.agents.abi };
  const metrics = createMetrics({ chain, sending, log: undefined });
  let isStopping = false;
  const { guards, addressOf } = await openGuards(config, metrics, traces, sending, closers);
  const app = createApp({
    bodyLimitBytes: config.bodyLimitBytes,
    logger,
    guards,
    addressOf,
    routers: [
      requestsRouter(requests),
      proofsRouter(new KeyOwnershipProofs(proofPool, requests, registry)),
      docsRouter(),
      opsRouter(() => readiness({ config, chain, sending, log: undefined, isStopping: () => isStopping }), metrics),
    ],
  });
  await startSending(config, chain, sending, closers);
  const server = createServer(deadlines(config.requestTimeoutSec), app);
  const url = await listen(server, config);
  closers.add(async () => {
    isStopping = true;
    await endServer(server, config.shutdownMs);
  });
  logger.info({ url, lanes: sending.sender.lanes.map(({ address }) => address) }, "worker is up");
  return url;
}

/** A key that is missing is made by the relayer, whose log it operates: a worker's would be another account. */
function requireKey(file: string): void {
  if (existsSync(file)) return;
  throw new AffiantError("ERR_INPUT_FILE", `there is no sender key yet: ${file}`, { hint: "start the relayer first" });
}
