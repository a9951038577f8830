import { join } from "node:path";

import { Contract } from "ethers";
import { LRUCache } from "lru-cache";
import { type Logger, pino } from "pino";

import { Registries } from "../../agent/chain/registries.ts";
import { Rpc } from "../../agent/chain/rpc.ts";
import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { BlockWaiter } from "../../host/watch/blockWaiter.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import { AttestationService, type ServiceAlert } from "./attestationService.ts";
import type { ServiceConfig } from "./config.ts";
import { Enrolments } from "./enrolments.ts";
import { lockFolder } from "./folderLock.ts";
import { TaskGiver } from "./giveTask.ts";
import { Introductions } from "./introductions.ts";
import { References } from "./references.ts";
import { RegistryReader, type TransactionSender, walletSender } from "./registry.ts";
import { relayedSender } from "./relayedSender.ts";
import { RoundWatch } from "./roundWatch.ts";
import { SealedStore } from "./sealedStore.ts";
import { openServiceKeys, type ServiceKeys } from "./serviceKeys.ts";
import { serviceMetrics } from "./serviceMetrics.ts";
import { serviceServer } from "./serviceServer.ts";
import { Tickets } from "./tickets.ts";

export interface RunningService {
  readonly url: string;
  /** To be given the role of the attestation service, EIP-55. */
  readonly account: string;
  /** Finishes what is under way. What is in the store goes on at the next start. */
  close(): Promise<void>;
}

/**
 * Brings the attestation service up and holds rounds until it is closed.
 * @throws AffiantError ERR_CONFLICT_RUNNING, ERR_CONFLICT_PORT, and what its files and the chain's endpoint cause
 */
export async function startService(config: ServiceConfig, logger = loggerOf(config)): Promise<RunningService> {
  const lock = lockFolder(config.dataDir);
  const { chainId } = config.deployment;
  const rpc = new Rpc({ url: config.rpcUrl, chainId });
  try {
    const running = await start(config, rpc, logger);
    return {
      ...running,
      async close() {
        await running.close();
        rpc.close();
        lock.release();
      },
    };
  } catch (error) {
    rpc.close();
    lock.release();
    throw error;
  }
}

async function start(config: ServiceConfig, rpc: Rpc, logger: Logger): Promise<RunningService> {
  const { dataDir, passphrase, deployment, roundBlocks, graceBlocks, stuckAfterMs } = config;
  const { chainId } = deployment;
  const { address } = deployment.contracts.attestationRegistry;
  const store = await SealedStore.open(join(dataDir, "store"), join(dataDir, "store.key.json"), passphrase);
  const keys = await openServiceKeys(dataDir, store, passphrase);
  const account = keys.account.connect(rpc.provider);
  const registries = new Registries(rpc, deployment);
  const isSigningKey = (agent: string, key: Uint8Array) => registries.isSigningKey(agent, key);
  const registry = new RegistryReader(new Contract(address, iAttestationRegistryAbi, rpc.provider), address);
  const watch = new RoundWatch({ registry, roundBlocks, graceBlocks, stuckAfterMs, nowMs: Date.now });
  // The metrics are there before what they tell of: alerts are counted from the beginning.
  const later: { introductions?: Introductions } = {};
  const metrics = serviceMetrics(watch, () => later.introductions);
  const onAlert = alerting(logger, metrics.count);
  const references = new References(store);
  const service = new AttestationService({
    store,
    references,
    registry,
    sender: senderOf(config, rpc, keys),
    account,
    chainId,
    tasks: new TaskGiver({
      account: account.address,
      chainId,
      keys: keys.encryption,
      isSigningKey,
      verifyTimeoutMs: config.verifyTimeoutMs,
      allowPrivate: config.allowPrivate,
      onWrongAnswer: (agent, round) =>
        onAlert({ kind: "wrong-answer", round, agent, detail: "as a verifier it runs something else" }),
    }),
    servicePublicKey: toHex(keys.encryption.publicKey),
    examine: { isSigningKey, allowPrivate: config.allowPrivate },
    roundBlocks,
    heldRounds: config.heldRounds,
    onAlert,
  });
  const introductions = await Introductions.open({ service, registry, store, onAlert });
  later.introductions = introductions;
  const enrolments = new Enrolments({
    service,
    references,
    registry,
    tickets: new Tickets(store),
    introductions,
    chainId,
    keys: keys.encryption,
    isSigningKey,
    onAlert,
  });
  let url = config.publicUrl ?? "";
  const server = serviceServer({
    enrolments,
    registry,
    watch,
    metrics,
    logger,
    token: keys.token,
    hasten: () => service.hasten(),
    url: () => url,
    host: config.host,
    names: [...config.names, ...(config.publicUrl === undefined ? [] : [new URL(config.publicUrl).hostname])],
  });
  const listening = await listen(server, config);
  url ||= listening;
  const stop = startLoops(config, service, introductions, watch, logger);
  logger.info({ url: listening, account: account.address, registry: address }, "attestation service is up");
  return {
    url: listening,
    account: account.address,
    async close() {
      server.close();
      server.closeIdleConnections();
      await stop();
      server.closeAllConnections();
    },
  };
}

function senderOf(config: ServiceConfig, rpc: Rpc, { account }: ServiceKeys): TransactionSender {
  const { relayerUrl, deployment } = config;
  const { address } = deployment.contracts.attestationRegistry;
  if (relayerUrl === undefined) return walletSender(address, account.connect(rpc.provider));
  const relayer = new RelayerClient({ url: relayerUrl });
  return relayedSender({ relayer, provider: rpc.provider, chainId: deployment.chainId, registry: address, account });
}

/** Rounds, introductions and the watch go round beside one another: none of them may hold up the others. */
function startLoops(
  { pollIntervalMs, rpcUrl }: ServiceConfig,
  service: AttestationService,
  introductions: Introductions,
  watch: RoundWatch,
  logger: Logger,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async (what: string, step: () => Promise<unknown>): Promise<void> => {
    const blocks = new BlockWaiter(rpcUrl);
    while (!signal.aborted) {
      await step().catch((err: unknown) => logger.warn({ err }, `${what} did not go on; it is tried again`));
      // A block, or something that came over HTTP: an enrolment, a request for a round.
      await blocks.next(pollIntervalMs, Math.max(1_000, pollIntervalMs), signal);
    }
  };
  const loops = [
    loop("the round", async () => {
      while (!signal.aborted && (await service.step())) watch.stepped();
      watch.stepped();
    }),
    loop("the introduction", () => introductions.step()),
    loop("the watch", async () => {
      await watch.look();
      const { late } = watch.report();
      if (late.length > 0) logger.error({ late }, "rounds are behind");
    }),
  ];
  return async () => {
    stopping.abort();
    await Promise.all(loops);
  };
}

/** Each alert once: the rounds' loop meets the same trouble again and again. */
function alerting(logger: Logger, count: (alert: ServiceAlert) => void): (alert: ServiceAlert) => void {
  const known = new LRUCache<string, true>({ max: 10_000 });
  return (alert) => {
    const name = `${alert.kind} ${alert.round} ${alert.agent}`;
    if (known.has(name)) return;
    known.set(name, true);
    count(alert);
    logger.error({ alert }, `attestation: ${alert.kind}`);
  };
}

function listen(server: ReturnType<typeof serviceServer>, { host, port }: ServiceConfig): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new AffiantError("ERR_CONFLICT_PORT", `cannot listen on ${host}:${port}`, { cause })),
    );
    server.listen(port, host, () => {
      const at = server.address();
      const bound = typeof at === "object" && at !== null ? at.port : port;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${bound}`);
    });
  });
}

/** To stderr: stdout is for the line that says that the service is ready. */
function loggerOf({ logLevel }: ServiceConfig): Logger {
  return pino(
    { level: logLevel, redact: ["err.config", "err.transaction"] },
    pino.destination({ dest: 2, sync: true }),
  );
}
