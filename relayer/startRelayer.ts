import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";

import { Interface } from "ethers";
import { pino, type Logger } from "pino";

import { type Deployment, parseDeployment } from "../protocol/deployment.ts";
import { toHex } from "../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../protocol/generated/abi/AgentRegistry.ts";
import { logAnchorAbi } from "../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../protocol/generated/abi/PolicyRegistry.ts";
import { logIdOf } from "../protocol/log/logId.ts";
import { Anchorer, assertOurs } from "./anchor/anchorer.ts";
import { AnchorFollower } from "./anchor/anchorFollower.ts";
import { AnchorReader } from "./anchor/anchorReader.ts";

import { readContract } from "./chain/contracts.ts";
import { HeadTracker } from "./chain/head.ts";
import { Registries } from "./chain/registries.ts";
import { connectRpc } from "./chain/rpc.ts";
import { type RelayerConfig } from "./config.ts";
import { createApp } from "./http/app.ts";
import { entriesRouter } from "./http/entriesRouter.ts";
import { EventHub, eventsRouter } from "./http/events.ts";
import { logRouter } from "./http/logRouter.ts";
import { opsRouter } from "./http/opsRouter.ts";
import { policiesRouter } from "./http/policiesRouter.ts";
import { requestsRouter } from "./http/requestsRouter.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Sequencer } from "./ingest/sequencer.ts";
import { VerifyPool } from "./ingest/verifyPool.ts";
import { Journal } from "./journal/journal.ts";
import { anchorInfo, Log } from "./log/log.ts";
import { openNoteKey } from "./log/noteKey.ts";
import { AllowList } from "./requests/allowList.ts";
import { Requests } from "./requests/requests.ts";
import { Sender } from "./sender/sender.ts";
import { openSenderKey } from "./sender/signer.ts";
import { simulate } from "./sender/simulate.ts";
import { type CommitHook, openDatabase } from "./store/database.ts";
import { PolicyStore } from "./store/policyStore.ts";

export interface Relayer {
  readonly url: string;
  /** Finishes what is under way, then ends. What is in the journal goes on at the next start. */
  close(): Promise<void>;
}

export interface RelayerSeams {
  readonly logger?: Logger;
  /** Lets a test break commits. */
  readonly commitHook?: CommitHook;
}

const gwei = 1e9;

/**
 * Brings the relayer up and puts its rooms together.
 * @throws AffiantError ERR_INPUT_DEPLOYMENT, ERR_INPUT_FILE, ERR_CONFLICT_CHAIN, ERR_CONFLICT_LOG_FORK,
 * ERR_CONFLICT_LOG_OPERATOR, ERR_UNAVAILABLE_CHAIN
 */
export async function startRelayer(config: RelayerConfig, seams: RelayerSeams = {}): Promise<Relayer> {
  const logger = seams.logger ?? pino({ level: config.logLevel }, pino.destination(2));
  const deployment = parseDeployment(readFileSync(config.deploymentFile, "utf8"));
  const database = openDatabase(join(config.dataDir, "relayer.db"), seams.commitHook);
  const log = new Log(database, config.dataDir, openNoteKey(config.noteKeyFile, config.logOrigin));
  const chain = connectChain(config, deployment);
  const journal = new Journal(database);
  const sender = openSender(config, deployment, chain, journal);
  const anchoring = openAnchoring(config, chain, log, journal, sender, database);
  await checkChain(chain, log, sender, anchoring);

  const pool = new VerifyPool(config.verifyThreads);
  const sequencer = new Sequencer(log, {
    maxEntries: config.commitMaxEntries,
    waitMs: config.commitWaitMs,
    now: Date.now,
  });
  const ingest = new Ingest(pool, chain.registries, sequencer, log, { queueLimit: config.queueLimit });
  const requests = new Requests(journal, sender, allowList(deployment, chain), {
    quotaPerDay: config.requestQuotaPerDay,
    gasPerDay: config.requestGasPerDay,
    now: Date.now,
    simulate: (call) => simulate(chain.rpc, sender.address, call, chain.abis, config.gasLimitPerCall),
  });
  const hub = new EventHub();
  wireEvents(hub, log, chain, anchoring, sender, config);

  const place = { chainId: deployment.chainId, contract: chain.logAnchor.address, logId: logIdOf(config.logOrigin) };
  const app = createApp({
    bodyLimitBytes: config.bodyLimitBytes,
    logger,
    guards: [],
    routers: [
      policiesRouter(new PolicyStore(database), database),
      entriesRouter(ingest, log),
      logRouter(log, anchoring.anchorer, place),
      requestsRouter(requests),
      eventsRouter(hub),
      opsRouter(() => readiness(chain, anchoring, ingest, config)),
    ],
  });
  const server = createServer(app);
  const url = await listen(server, config);
  chain.heads.start(config.pollIntervalMs);
  const timer = setInterval(() => void anchoring.anchorer.check(), Math.min(config.anchorIntervalMs, 1_000));
  sender.wake();
  logger.info({ url, size: log.size, sender: sender.address }, "relayer is up");

  async function close(): Promise<void> {
    clearInterval(timer);
    ingest.stop();
    hub.close();
    const closed = new Promise((resolve) => server.close(resolve));
    sequencer.drain();
    server.closeIdleConnections();
    await closed;
    await pool.close();
    await anchoring.anchorer.stop();
    await sender.stop();
    await chain.heads.stop();
    log.close();
    database.close();
    logger.info("relayer ended");
  }
  return { url, close };
}

function connectChain(config: RelayerConfig, { chainId, contracts }: Deployment) {
  const rpc = connectRpc(config.rpcUrls, chainId);
  const heads = new HeadTracker(rpc);
  const agents = readContract(rpc, contracts.agentRegistry.address, new Interface(agentRegistryAbi));
  const policies = readContract(rpc, contracts.policyRegistry.address, new Interface(policyRegistryAbi));
  const logAnchor = readContract(rpc, contracts.logAnchor.address, new Interface(logAnchorAbi));
  const registries = new Registries(agents, policies, heads, {
    chainId,
    maxBlockAge: config.maxBlockAge,
    activeForMs: 5_000,
    now: Date.now,
  });
  return { rpc, heads, agents, policies, logAnchor, registries, abis: [agents.abi, policies.abi, logAnchor.abi] };
}

type Chain = ReturnType<typeof connectChain>;

function openSender(config: RelayerConfig, { chainId }: Deployment, chain: Chain, journal: Journal): Sender {
  const signer = openSenderKey(config.senderKeyFile);
  return new Sender(journal, chain.rpc, chain.heads, signer, chain.abis, {
    chainId,
    confirmations: config.confirmations,
    bumpAfterBlocks: config.bumpAfterBlocks,
    gasLimitPerCall: config.gasLimitPerCall,
    feeCaps: {
      maxFeeWei: BigInt(Math.round(config.maxFeeGwei * gwei)),
      maxPriorityFeeWei: BigInt(Math.round(config.maxPriorityFeeGwei * gwei)),
    },
    maxInFlight: 16,
  });
}

function openAnchoring(
  config: RelayerConfig,
  chain: Chain,
  log: Log,
  journal: Journal,
  sender: Sender,
  database: ReturnType<typeof openDatabase>,
) {
  const reader = new AnchorReader(chain.logAnchor, chain.rpc, logIdOf(config.logOrigin));
  const follower = new AnchorFollower(reader, log, database);
  const anchorer = new Anchorer(log, journal, sender, reader, follower, {
    intervalMs: config.anchorIntervalMs,
    maxEntries: config.anchorMaxEntries,
    now: Date.now,
  });
  return { reader, follower, anchorer };
}

type Anchoring = ReturnType<typeof openAnchoring>;

/** Before anything is served: the chain is the right one, its anchors agree with the log, and the log is ours. */
async function checkChain(chain: Chain, log: Log, sender: Sender, { reader, follower }: Anchoring): Promise<void> {
  await chain.heads.poll();
  const registration = await reader.registration();
  if (registration) assertOurs(registration, sender.address, toHex(log.key.publicKey));
  await follower.follow();
}

function allowList({ contracts }: Deployment, chain: Chain): AllowList {
  return new AllowList(
    new Map([
      [contracts.agentRegistry.address, chain.agents.abi],
      [contracts.policyRegistry.address, chain.policies.abi],
    ]),
  );
}

function wireEvents(
  hub: EventHub,
  log: Log,
  chain: Chain,
  { anchorer, follower }: Anchoring,
  sender: Sender,
  config: RelayerConfig,
): void {
  log.isFinal = (blockNumber) => (chain.heads.head?.number ?? 0) - blockNumber + 1 >= config.confirmations;
  log.onCheckpoint((checkpoint) => {
    hub.send("checkpoint", { size: checkpoint.size, root: toHex(checkpoint.root), note: checkpoint.note });
    if (checkpoint.size - anchorer.status().anchoredSize >= config.anchorMaxEntries) void anchorer.check();
  });
  follower.onAnchor((anchor) => hub.send("anchor", anchorInfo(anchor)));
  chain.heads.onHead(async () => {
    sender.wake();
    await anchorer.check();
  });
  sender.onJob((job) => {
    if (job.kind !== "request" && job.state === "mined") void anchorer.check();
  });
}

function readiness(chain: Chain, { anchorer }: Anchoring, ingest: Ingest, config: RelayerConfig) {
  const reasons: string[] = [];
  const anchoring = anchorer.status();
  const chainAgeMs = chain.heads.ageMs();
  if (chainAgeMs > Math.max(30_000, config.pollIntervalMs * 10)) reasons.push("the chain does not answer");
  if (ingest.underWay >= config.queueLimit) reasons.push("the queue is full");
  if (anchoring.lateBecause) reasons.push(`anchoring: ${anchoring.lateBecause}`);
  const chainTroubles = chain.rpc.troubles();
  return {
    reasons,
    details: { anchoring, chain: { headBlockNumber: chain.heads.head?.number ?? null, chainTroubles } },
  };
}

function listen(server: Server, { host, port }: RelayerConfig): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${bound}`);
    });
  });
}
