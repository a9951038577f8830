import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { type Logger, pino } from "pino";

import { readVerifyingArtifacts } from "../circuits/artifacts.ts";
import { type Deployment, parseDeployment } from "../protocol/deployment.ts";
import { toHex } from "../protocol/encoding/hex.ts";
import { logIdOf } from "../protocol/log/logId.ts";
import { formatOperatorVerifierKey, operatorNoteSigner } from "../protocol/log/operatorNote.ts";
import { AgentAccess } from "./access/agentAccess.ts";
import { type Anchoring, openAnchoring } from "./anchor/openAnchoring.ts";
import { type Chain, connectChain } from "./chain/connectChain.ts";
import { type RelayerConfig } from "./config.ts";
import { disclosuresRouter } from "./disclosures/disclosuresRouter.ts";
import { createApp } from "./http/app.ts";
import { docsRouter } from "./http/docsRouter.ts";
import { entriesRouter } from "./http/entriesRouter.ts";
import { EventHub, eventsRouter } from "./http/events.ts";
import { listen } from "./http/listen.ts";
import { logRouter } from "./http/logRouter.ts";
import { createMetrics } from "./http/metrics.ts";
import { opsRouter } from "./http/opsRouter.ts";
import { policiesRouter } from "./http/policiesRouter.ts";
import { limitRate } from "./http/rateLimit.ts";
import { readiness } from "./http/readiness.ts";
import { requestsRouter } from "./http/requestsRouter.ts";
import { tilesRouter } from "./http/tilesRouter.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Sequencer } from "./ingest/sequencer.ts";
import { VerifyPool } from "./ingest/verifyPool.ts";
import { Journal } from "./journal/journal.ts";
import { anchorInfo, Log } from "./log/log.ts";
import { openNoteKey } from "./log/noteKey.ts";
import { PolicyCheck } from "./policies/policyCheck.ts";
import { KeyOwnershipProofs } from "./proofs/keyOwnershipProofs.ts";
import { ProofPool } from "./proofs/proofPool.ts";
import { proofsRouter } from "./proofs/proofsRouter.ts";
import { AllowList, type CarriedContract, openAgentCalls, openAttestationCalls } from "./requests/allowList.ts";
import { Requests } from "./requests/requests.ts";
import { SealedKeys } from "./sealedKeys/sealedKeys.ts";
import { sealedKeysRouter } from "./sealedKeys/sealedKeysRouter.ts";
import { soleLease } from "./sender/laneLease.ts";
import { openSender, openSimulator } from "./sender/openSender.ts";
import { type Sender } from "./sender/sender.ts";
import { openSenderKey, type TransactionSigner } from "./sender/signer.ts";
import { type CommitHook, type Database, openDatabase } from "./store/database.ts";
import { DisclosureKeys } from "./store/disclosureKeys.ts";
import { DisclosureStore } from "./store/disclosureStore.ts";
import { lockFolder } from "./store/folderLock.ts";
import { PolicyStore } from "./store/policyStore.ts";
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

/** Everything that was opened, to be closed in reverse order, also when the start fails half-way. */
class Closers {
  readonly #closers: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) await close();
  }
}

/**
 * Brings the relayer up and puts its rooms together.
 * @throws AffiantError ERR_CONFLICT_RUNNING, ERR_INPUT_DEPLOYMENT, ERR_INPUT_FILE, ERR_CONFLICT_CHAIN,
 * ERR_CONFLICT_LOG_FORK, ERR_CONFLICT_LOG_OPERATOR, ERR_UNAVAILABLE_CHAIN
 */
export async function startRelayer(config: RelayerConfig, seams: RelayerSeams = {}): Promise<Relayer> {
  const closers = new Closers();
  try {
    const url = await openRelayer(config, seams, closers);
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
  const { database, log, disclosures } = openStore(config, deployment, signer, seams, closers);
  const chain = connectChain(config, deployment);
  const journal = new Journal(database);
  const sender = openSender(config, deployment.chainId, chain, journal, signer, soleLease);
  const anchoring = await openAnchoring(config, chain, log, journal, sender, database);

  const { ingest, sequencer } = openIngest(config, chain, log, disclosures, closers);
  const requests = openRequests(config, deployment, chain, journal, sender);
  const { anchorer } = anchoring;
  const metrics = createMetrics({ log, ingest, sequencer, journal, sender, anchorer, chain });
  const { verificationKey } = await readVerifyingArtifacts("key-ownership", config.circuitKeysDir);
  const proofPool = new ProofPool({ verificationKey, threads: config.proofThreads, limit: config.proofLimit });
  closers.add(() => proofPool.close());
  const policyCheck = new PolicyCheck();
  closers.add(() => policyCheck.close());
  const registry = { chainId: deployment.chainId, address: chain.agents.address, abi: chain.agents.abi };
  const hub = new EventHub();
  wireEvents(config, hub, log, chain, anchoring, sender);

  const access = new AgentAccess({ registries: chain.registries, scopedContracts: chain.scopedContracts, nowSec });
  const place = { chainId: deployment.chainId, contract: chain.logAnchor.address, logId: logIdOf(config.logOrigin) };
  const app = createApp({
    bodyLimitBytes: config.bodyLimitBytes,
    logger,
    guards: [metrics.observe, limitRate(config.rateLimitPerMinute)],
    routers: [
      entriesRouter(ingest, log),
      disclosuresRouter(log, disclosures, access, place.logId),
      sealedKeysRouter(openSealedKeys(chain, deployment, database, access)),
      policiesRouter(new PolicyStore(database), database, policyCheck),
      logRouter(log, anchorer, place),
      tilesRouter(log),
      requestsRouter(requests),
      proofsRouter(new KeyOwnershipProofs(proofPool, requests, registry)),
      eventsRouter(hub),
      docsRouter(),
      opsRouter(() => readiness(chain, anchorer, ingest, config), metrics),
    ],
  });
  startLoops(config, chain, anchoring, sender, closers);
  const server = createServer(app);
  const url = await listen(server, config);
  closers.add(async () => {
    ingest.stop();
    hub.close();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await closed;
    sequencer.drain();
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
  const lock = lockFolder(config.dataDir);
  closers.add(() => lock.release());
  const database = openDatabase(join(config.dataDir, "relayer.db"), seams.commitHook);
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

function openIngest(config: RelayerConfig, chain: Chain, log: Log, disclosures: DisclosureStore, closers: Closers) {
  const pool = new VerifyPool(config.verifyThreads);
  closers.add(() => pool.close());
  const sequencer = new Sequencer(log, disclosures, {
    maxEntries: config.commitMaxEntries,
    waitMs: config.commitWaitMs,
    now: Date.now,
  });
  return { sequencer, ingest: new Ingest(pool, chain.registries, sequencer, log, { queueLimit: config.queueLimit }) };
}

function openSealedKeys(chain: Chain, deployment: Deployment, database: Database, access: AgentAccess): SealedKeys {
  const { chainId, contracts } = deployment;
  const { keyEscrow, accessManager } = chain;
  const place = { chainId: BigInt(chainId), escrow: contracts.keyEscrow.address };
  return new SealedKeys({ place, keyEscrow, accessManager, store: new SealedKeyStore(database), access, nowSec });
}

function openRequests(
  config: RelayerConfig,
  { contracts }: Deployment,
  chain: Chain,
  journal: Journal,
  sender: Sender,
): Requests {
  const targets = new Map<string, CarriedContract>([
    [contracts.agentRegistry.address, { abi: chain.agents.abi, open: openAgentCalls }],
    [contracts.policyRegistry.address, { abi: chain.policies.abi }],
    [contracts.contractRegistry.address, { abi: chain.scopedContracts.abi }],
    [contracts.keyEscrow.address, { abi: chain.keyEscrow.abi }],
    [contracts.attestationRegistry.address, { abi: chain.attestation.abi, open: openAttestationCalls }],
  ]);
  const simulator = openSimulator(config, chain, sender.operator);
  return new Requests(journal, sender, new AllowList(targets), {
    quotaPerDay: config.requestQuotaPerDay,
    gasPerDay: config.requestGasPerDay,
    now: Date.now,
    simulate: async (call) => ({ gasLimit: await simulator.run(call), blockNumber: chain.heads.head?.number ?? 0 }),
  });
}

/** Who tells whom: entries and blocks wake the anchorer, blocks wake the sender, and readers hear of both. */
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
  chain.heads.onHead(async () => {
    sender.wake();
    await anchorer.check();
  });
  sender.onJob((job) => {
    if (job.kind !== "request" && job.state === "mined") void anchorer.check();
  });
}

/** The loops that go on without requests. They end before what they use is closed. */
function startLoops(
  config: RelayerConfig,
  chain: Chain,
  { anchorer }: Anchoring,
  sender: Sender,
  closers: Closers,
): void {
  closers.add(() => anchorer.stop());
  closers.add(() => sender.stop());
  closers.add(() => chain.heads.stop());
  chain.heads.start(config.pollIntervalMs);
  const timer = setInterval(() => void anchorer.check(), Math.min(config.anchorIntervalMs, 1_000));
  closers.add(() => clearInterval(timer));
  sender.wake();
}
