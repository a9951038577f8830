import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Agent } from "../../../agent/agent.ts";
import { ChainRevocations } from "../../../agent/calls/chainRevocations.ts";
import { Guard } from "../../../agent/calls/guard.ts";
import { SqliteReplayStore } from "../../../agent/calls/replayStore.ts";
import { CachedRevocations } from "../../../agent/calls/revocations.ts";
import { ChainProvider } from "../../../agent/chain/chainProvider.ts";
import type { GroupMember } from "../../../agent/channel/groupMember.ts";
import { WrapperKeys } from "../../../agent/escrow/wrapperKeys.ts";
import { openAgent } from "../../../agent/openAgent.ts";
import { loadPolicyBundle } from "../../../agent/policy/loadBundle.ts";
import { type Deployment, parseDeployment } from "../../../protocol/deployment.ts";
import type { EthrDid } from "../../../protocol/did/ethr.ts";
import { decodeLeaf } from "../../../protocol/entry/leaf.ts";
import { AffiantError, isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { groupIdOf } from "../../../protocol/escrow/ids.ts";
import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { CallBook } from "../contracts/callBook.ts";
import { Caller } from "../contracts/caller.ts";
import { ContractFolder } from "../contracts/contractFolder.ts";
import type { Grant } from "../contracts/grant.ts";
import { keepGrants } from "../contracts/keepGrants.ts";
import { serveResult, serveTrade } from "../contracts/serveTrade.ts";
import { readStationConfig, type StationConfig } from "./config.ts";
import { type Handler, type Routes, serve } from "./server.ts";
import { Station } from "./station.ts";
import type { Trade } from "./step.ts";
import { Workbook } from "./workbook.ts";

/** What makes one agent of the shop different from the others. */
export interface Business {
  /** Command → the step that a call asks for. It is taken under a contract only. */
  readonly trades?: Readonly<Record<string, Trade>>;
  readonly routes?: Routes;
  /** Work of the agent's own accord. It ends when `stop` is signalled. */
  readonly work?: (stop: AbortSignal) => Promise<void>;
  /** How much is left to do; beside it the steps done and refused are counted. */
  readonly waiting?: () => number;
}

/** What an agent has to work with. */
export interface Surroundings {
  readonly station: Station;
  readonly config: StationConfig;
  /** Asks the other agents, under their contracts. */
  readonly caller: Caller;
}

type Open = (around: Surroundings) => Business;

/** Contracts are looked after this often while the agent is up. */
const renewalIntervalMs = 3_600_000;
/** How old an answer of the chain about revocations may be. */
const maxRevocationAgeSec = 10;

const nowSec = (): number => Math.floor(Date.now() / 1000);

/**
 * Runs an agent of the shop as a process: identity, registration, policy, then work. Every part of it may have been done
 * by an earlier run; what was done is found and not done again.
 */
export async function runStation(openBusiness: Open): Promise<void> {
  try {
    await work(openBusiness);
  } catch (error) {
    console.error(isAffiantError(error) ? `${error.code}: ${error.message}` : error);
    process.exit(1);
  }
}

async function work(openBusiness: Open): Promise<void> {
  const config = readStationConfig(process.env);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

  const deployment = parseDeployment(readFileSync(config.deploymentPath, "utf8"));
  const agent = await open(config, deployment);
  const folder = new ContractFolder(config.dataDir);
  folder.publishKey(config.name, agent.signingKey);
  const bundle = await loadPolicyBundle(config.policyDir);
  await agent.register();
  const policy = { ...(await agent.commitPolicy(bundle)), name: bundle.name };

  const agentDir = join(config.dataDir, "agents", config.folder);
  const workbook = new Workbook(join(agentDir, "work.db"));
  const station = new Station(agent, workbook, compilePolicy(bundle), stop.signal);
  const { name, peers } = config;
  const book = new CallBook(workbook);
  const member = joinGroup(agent, config, join(agentDir, "channel.db"));
  const entered = (did: string, act: string, orderId: string) => isOnRecord(agent, did as EthrDid, act, orderId);
  const around = { agent, station, book, folder, entered, peers, nowSec, stop: stop.signal };
  const caller = new Caller({ name, ...around, ...(member ? { channel: member } : {}) });
  const business = openBusiness({ station, config, caller });
  const renewing = await keepAll(config.grants, agent, folder, stop.signal);
  const recovered = await station.catchUp();
  const calls = openGuard(agent, config, deployment, join(agentDir, "calls.db"));
  const trades = tradeRoutes(station, business, calls.guard);
  const clear = { "GET /v1/status": statusOf(station, business, member), ...business.routes };
  // With a group, agents hear each other in the channel and nowhere else.
  const served = member
    ? { routes: clear, sealed: { channel: member, routes: trades } }
    : { routes: { ...clear, ...trades } };
  const server = await serve(served, config.port);
  // It does nothing of its own accord before it was attested, which is when it gets its group's key.
  const working = keepKeyed(member, stop.signal)
    .then(() => business.work?.(stop.signal))
    .catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
  const url = `http://127.0.0.1:${config.port}`;
  console.log(JSON.stringify({ ready: true, url, pid: process.pid, did: agent.did, policy, recovered }));

  await new Promise<void>((resolve, reject) => {
    stop.signal.addEventListener("abort", () => resolve(), { once: true });
    // An agent whose work fails must not stay up and look well: it ends, and is started again.
    working.catch(reject);
  });
  clearInterval(renewing);
  server.closeAllConnections();
  server.close();
  await working;
  calls.close();
  await member?.settled();
  member?.close();
  agent.close();
  workbook.close();
}

/** Whether an agent's entries, as the relayer has them, tell of a step of an order. */
async function isOnRecord({ relayer }: Agent, did: EthrDid, act: string, orderId: string): Promise<boolean> {
  for (let from = 0; ; from += 256) {
    const { entries } = await relayer.entriesOf(did, from, 256);
    const claims = entries.map(({ leaf }) => decodeLeaf(leaf).claims);
    if (claims.some((one) => one.act === act && one.thread === orderId)) return true;
    if (entries.length < 256) return false;
  }
}

/** Issues what is granted, waiting for agents that start at the same time to show their keys, and renews it in time. */
async function keepAll(
  grants: readonly Grant[],
  agent: Agent,
  folder: ContractFolder,
  stop: AbortSignal,
): Promise<NodeJS.Timeout> {
  let missing = grants;
  while (missing.length > 0) {
    ({ missing } = await keepGrants(missing, agent, folder, nowSec()));
    if (missing.length > 0) await sleep(100, undefined, { signal: stop });
  }
  return setInterval(() => {
    // What fails now is tried again long before the contracts end.
    keepGrants(grants, agent, folder, nowSec()).catch((error: unknown) => console.error(error));
  }, renewalIntervalMs);
}

function openGuard(agent: Agent, { rpcUrl }: StationConfig, deployment: Deployment, path: string) {
  const { chainId, contracts } = deployment;
  const provider = new ChainProvider({ url: rpcUrl, chainId });
  const replayStore = new SqliteReplayStore(path);
  const source = new ChainRevocations(provider, contracts.contractRegistry.address, BigInt(chainId));
  const revocations = new CachedRevocations(source, maxRevocationAgeSec);
  return {
    guard: new Guard({ executor: agent.signingKey, replayStore, revocations, nowSec }),
    close: () => {
      provider.destroy();
      replayStore.close();
    },
  };
}

/**
 * Fetches the key of each epoch as it comes, used or not: that it is acknowledged on chain tells that the agent has it.
 * @returns resolves with the first one: at once for an agent of no group
 */
function keepKeyed(member: GroupMember | undefined, stop: AbortSignal): Promise<void> {
  if (!member) return Promise.resolve();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = async (): Promise<void> => {
    while (!stop.aborted) {
      // Until it is attested there is none for it, and after a rotation not at once.
      const keyed = await member.currentEpoch().then(() => (resolve(), true), fallThroughUnavailable);
      await sleep(keyed ? 2_000 : 500, undefined, { signal: stop }).catch(() => undefined);
    }
    throw new Error("stopped before it was given a key");
  };
  look().catch(reject);
  return promise;
}

function fallThroughUnavailable(error: unknown): boolean {
  if (!isAffiantError(error)) throw error;
  return false;
}

/** The keys were made by the wrapper of this process. */
function open(
  { dataDir, folder, relayerUrl, rpcUrl, passphrase, notBeforeDepth }: StationConfig,
  deployment: Deployment,
): Promise<Agent> {
  return openAgent({
    dataDir,
    name: folder,
    relayerUrl,
    rpcUrl,
    deployment,
    passphrase,
    settings: { notBeforeDepth },
  });
}

/** @throws AffiantError ERR_INPUT_CONFIG if there is a group, and no wrapper that keeps the keys for it */
function joinGroup(agent: Agent, { groups: [group] }: StationConfig, replayPath: string): GroupMember | undefined {
  if (group === undefined) return undefined;
  const keys = WrapperKeys.of(process.env);
  if (!keys)
    throw new AffiantError("ERR_INPUT_CONFIG", "an agent of a group runs under a wrapper, which keeps its keys");
  return agent.joinGroup({
    group: groupIdOf(group),
    recipientKeys: () => keys.recipientKeys(),
    replayPath,
    onTrouble: (error) => console.error(error),
  });
}

function statusOf(station: Station, business: Business, member: GroupMember | undefined): Handler {
  return async () => ({
    waiting: business.waiting?.() ?? 0,
    done: station.workbook.countSteps("act"),
    refused: station.workbook.countSteps("refusal"),
    ...(member ? { epoch: await epochOf(member) } : {}),
  });
}

/** Number of the epoch that it can talk under now; null while there is none. */
async function epochOf(member: GroupMember): Promise<number | null> {
  try {
    return Number((await member.currentEpoch()).epoch);
  } catch (error) {
    if (isAffiantError(error)) return null;
    throw error;
  }
}

function tradeRoutes(station: Station, business: Business, guard: Guard): Routes {
  const routes: Record<string, Handler> = {};
  for (const [command, trade] of Object.entries(business.trades ?? {})) {
    const served = { station, guard, trade, command, nowSec };
    routes[`POST /v1${command}`] = serveTrade(served);
    routes[`POST /v1${command}/result`] = serveResult(served);
  }
  return routes;
}
