import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { type Logger, pino } from "pino";

import { readVerifyingArtifacts } from "../circuits/artifacts.ts";
import { deadlines } from "../host/http/deadlines.ts";
import { type Deployment, parseDeployment } from "../protocol/deployment.ts";
import { toHex } from "../protocol/encoding/hex.ts";
import { logIdOf } from "../protocol/log/logId.ts";
import { formatOperatorVerifierKey, operatorNoteSigner } from "../protocol/log/operatorNote.ts";
import type { Admission } from "./admission/admission.ts";
import { AgentAccess } from "./access/agentAccess.ts";
import { type Anchoring, openAnchoring } from "./anchor/openAnchoring.ts";
import { type Chain, connectChain } from "./chain/connectChain.ts";
import { Closers } from "./closers.ts";
import type { RelayerConfig } from "./config.ts";
import { disclosuresRouter } from "./disclosures/disclosuresRouter.ts";
import { createApp } from "./http/app.ts";
import { docsRouter } from "./http/docsRouter.ts";
import { entriesRouter } from "./http/entriesRouter.ts";
import { EventHub, eventsRouter } from "./http/events.ts";
import { endServer } from "./http/endServer.ts";
import { listen } from "./http/listen.ts";
import { logRouter } from "./http/logRouter.ts";
import { createMetrics } from "./http/metrics.ts";
import { opsRouter } from "./http/opsRouter.ts";
import { openOperatorToken } from "./http/operatorToken.ts";
import { policiesRouter } from "./http/policiesRouter.ts";
import { openGuards } from "./http/openGuards.ts";
import { RateLimiter } from "./http/rateLimit.ts";
import { readiness } from "./http/readiness.ts";
import { requestsRouter } from "./http/requestsRouter.ts";
import { tilesRouter } from "./http/tilesRouter.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Sequencer } from "./ingest/sequencer.ts";
import { VerifyPool } from "./ingest/verifyPool.ts";
import { anchorInfo, Log } from "./log/log.ts";
import { openNoteKey } from "./log/noteKey.ts";
import { openSending, startSending } from "./openSending.ts";
import { openWorker } from "./openWorker.ts";
import { CommittedPolicies } from "./policies/committedPolicies.ts";
import { PolicyCheck } from "./policies/policyCheck.ts";
import { KeyOwnershipProofs } from "./proofs/keyOwnershipProofs.ts";
import { ProofPool } from "../circuits/pool/proofPool.ts";
import { proofsRouter } from "./proofs/proofsRouter.ts";
import { SealedKeys } from "./sealedKeys/sealedKeys.ts";
import { sealedKeysRouter } from "./sealedKeys/sealedKeysRouter.ts";
import type { Sender } from "./sender/sender.ts";
import { openSenderKey, type TransactionSigner } from "./sender/signer.ts";
import { type CommitHook, type Database, openDatabase } from "./store/database.ts";
import { DisclosureKeys } from "./store/disclosureKeys.ts";
import { DisclosureStore } from "./store/disclosureStore.ts";
import { lockFolder } from "./store/folderLock.ts";
import { PolicyStore } from "./store/policyStore.ts";
import { openTraces } from "./traces/openTraces.ts";
import type { Traces } from "./traces/traces.ts";
import { SealedKeyStore } from "./store/sealedKeyStore.ts";

export interface Relayer {
  readonly url: string;
  /** Finishes what is under way, then ends. What is in the journal goes on at the next start. */
  close(): Promise<void>;
}

export interface RelayerSeams {
  readonly logger?: Logger;
  /** Lets a test break commits. */
  readonly commitHook?: CommitHook;
  /** Gives a test the open database, e.g. to let it run full. */
  readonly onDatabase?: (database: Database) => void;
}

/** Unix seconds. */
const nowSec = (): number => Math.floor(Date.now() / 1_000);

/**
 * Brings the relayer up and puts its rooms together.
 * @throws AffiantError ERR_CONFLICT_RUNNING, ERR_INPUT_DEPLOYMENT, ERR_INPUT_FILE, ERR_CONFLICT_CHAIN,
 * ERR_CONFLICT_LOG_FORK, ERR_CONFLICT_LOG_OPERATOR, ERR_UNAVAILABLE_CHAIN
 */
export async function startRelayer(config: RelayerConfig, seams: RelayerSeams = {}): Promise<Relayer> {
  const closers = new Closers();
  try {
    const open = config.role === "worker" ? openWorker : openRelayer;
    const url = await open(config, seams, closers);
    return { url, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function openRelayer(config: RelayerConfig, seams: RelayerSeams, closers: Closers): Promise<string> {
  const logger = seams.logger ?? pino({ level: config.logLevel }, pino.destination(2));
  const deployment = parseDeployment(readFileSync(config.deploymentFile, "utf8"));
  const signer = openSenderKey(config.senderKeyFile);
  const traces = await openTraces(config.traces, logger);
  closers.add(() => traces.close());
  const { database, log, disclosures } = openStore(config, deployment, signer, seams, closers);
  const chain = connectChain(config, deployment);
  const sending = await openSending(config, { deployment, chain, database, operator: signer, logger, traces }, closers);
  const { journal, sender, requests } = sending;
  const anchoring = await openAnchoring(config, chain, log, journal, sender, database);

  const { ingest, sequencer } = openIngest(config, chain, log, disclosures, traces, sending.admission, closers);
  const { anchorer } = anchoring;
  const metrics = createMetrics({ chain, sending, log: { log, ingest, sequencer, anchorer } });
  const { verificationKey } = await readVerifyingArtifacts("key-ownership", config.circuitKeysDir);
  const proofPool = new ProofPool({ verificationKey, threads: config.proofThreads, limit: config.proofLimit });
  closers.add(() => proofPool.close());
  const policyCheck = new PolicyCheck();
  closers.add(() => policyCheck.close());
  const registry = { chainId: deployment.chainId, address: chain.agents.address, abi: chain.agents.abi };
  const hub = new EventHub();
  wireEvents(config, hub, log, chain, anchoring, sender);
  let isStopping = false;

  const access = new AgentAccess({ registries: chain.registries, scopedContracts: chain.scopedContracts, nowSec });
  const place = { chainId: deployment.chainId, contract: chain.logAnchor.address, logId: logIdOf(config.logOrigin) };
  const { guards, addressOf } = await openGuards(config, metrics, traces, sending, closers);
  const app = createApp({
    bodyLimitBytes: config.bodyLimitBytes,
    logger,
    guards,
    addressOf,
    ingest,
    routers: [
      entriesRouter(ingest, log, addressOf),
      disclosuresRouter(log, disclosures, access, place.logId),
      sealedKeysRouter(openSealedKeys(chain, deployment, database, access)),
      policiesRouter({
        policies: new PolicyStore(database),
        database,
        check: policyCheck,
        committed: new CommittedPolicies(chain.policies, chain.heads),
      }),
      logRouter(log, anchorer, place, openOperatorToken(config.operatorTokenFile)),
      tilesRouter(log),
      requestsRouter(requests),
      proofsRouter(new KeyOwnershipProofs(proofPool, requests, registry)),
      eventsRouter(hub, addressOf),
      docsRouter(),
      opsRouter(() => {
        return readiness({ config, chain, sending, log: { anchorer, ingest }, isStopping: () => isStopping });
      }, metrics),
    ],
  });
  closers.add(() => anchorer.stop());
  sending.queue.serve("anchor", () => anchorer.check());
  sending.queue.repeat("anchor", Math.min(config.anchorIntervalMs, 1_000));
  await startSending(config, chain, sending, closers);
  const server = createServer(deadlines(config.requestTimeoutSec), app);
  const url = await listen(server, config);
  closers.add(async () => {
    isStopping = true;
    ingest.stop();
    hub.close();
    await endServer(server, config.shutdownMs);
    await sequencer.drain();
  });
  logger.info({ url, size: log.size, lanes: sender.lanes.map(({ address }) => address) }, "relayer is up");
  return url;
}

function openStore(
  config: RelayerConfig,
  deployment: Deployment,
  signer: TransactionSigner,
  seams: RelayerSeams,
  closers: Closers,
): { database: Database; log: Log; disclosures: DisclosureStore } {
  const lock = lockFolder(config.dataDir, config.redisUrl === undefined ? "alone" : "writer");
  closers.add(() => lock.release());
  const database = openDatabase(join(config.dataDir, "relayer.db"), seams.commitHook, config.journalKeyFile);
  closers.add(() => database.close());
  seams.onDatabase?.(database);
  const log = new Log(database, config.dataDir, checkpointKeys(config, deployment, signer));
  closers.add(() => log.close());
  const keys = new DisclosureKeys(join(config.dataDir, "disclosures.key"));
  closers.add(() => keys.close());
  return { database, log, disclosures: new DisclosureStore(database, keys) };
}

function checkpointKeys(config: RelayerConfig, { chainId, contracts }: Deployment, signer: TransactionSigner) {
  const { logOrigin } = config;
  const operator = { chainId: BigInt(chainId), logAnchor: contracts.logAnchor.address, operator: signer.address };
  return {
    note: openNoteKey(config.noteKeyFile, logOrigin),
    operator: operatorNoteSigner(logOrigin, operator, (digest) => signer.signDigest(digest)),
    operatorVkey: formatOperatorVerifierKey(logOrigin, operator),
  };
}

function openIngest(
  config: RelayerConfig,
  chain: Chain,
  log: Log,
  disclosures: DisclosureStore,
  traces: Traces,
  admission: Admission,
  closers: Closers,
) {
  const pool = new VerifyPool(config.verifyThreads);
  closers.add(() => pool.close());
  const sequencer = new Sequencer(log, disclosures, {
    maxEntries: config.commitMaxEntries,
    waitMs: config.commitWaitMs,
    now: Date.now,
  });
  const limits = { queueLimit: config.queueLimit, agentLimit: new RateLimiter(config.agentRateLimitPerMinute) };
  return { sequencer, ingest: new Ingest(pool, chain.registries, sequencer, log, { ...limits, traces, admission }) };
}

function openSealedKeys(chain: Chain, deployment: Deployment, database: Database, access: AgentAccess): SealedKeys {
  const { chainId, contracts } = deployment;
  const { keyEscrow, accessManager } = chain;
  const place = { chainId: BigInt(chainId), escrow: contracts.keyEscrow.address };
  return new SealedKeys({ place, keyEscrow, accessManager, store: new SealedKeyStore(database), access, nowSec });
}

/** Who tells whom: entries and blocks wake the anchorer, and readers hear of both. */
function wireEvents(
  config: RelayerConfig,
  hub: EventHub,
  log: Log,
  chain: Chain,
  { anchorer, follower }: Anchoring,
  sender: Sender,
): void {
  log.isFinal = (blockNumber) => (chain.heads.head?.number ?? 0) - blockNumber + 1 >= config.confirmations;
  log.onCheckpoint((checkpoint) => {
    hub.send("checkpoint", { size: checkpoint.size, root: toHex(checkpoint.root), note: checkpoint.note });
    if (anchorer.isFullyLoaded()) void anchorer.check();
  });
  follower.onAnchor((anchor) => hub.send("anchor", anchorInfo(anchor)));
  chain.heads.onHead(() => anchorer.check());
  sender.onJob((job) => {
    if (job.kind !== "request" && job.state === "mined") void anchorer.check();
  });
}
