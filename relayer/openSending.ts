import { randomUUID } from "node:crypto";

import type { Logger } from "pino";

import { BlockWaiter, withoutWatch } from "../host/watch/blockWaiter.ts";
import type { Deployment } from "../protocol/deployment.ts";
import { logIdOf } from "../protocol/log/logId.ts";
import { Admission } from "./admission/admission.ts";
import type { Chain } from "./chain/connectChain.ts";
import type { Closers } from "./closers.ts";
import type { RelayerConfig } from "./config.ts";
import type { SharedRedis } from "./http/sharedCounts.ts";
import { Journal } from "./journal/journal.ts";
import { LaneLeases } from "./queue/laneLeases.ts";
import { Leadership } from "./queue/leadership.ts";
import { openQueue } from "./queue/openQueue.ts";
import { laneTask, type WorkQueue } from "./queue/workQueue.ts";
import {
  agentCallChecks,
  AllowList,
  type CarriedContract,
  openAgentCalls,
  openAttestationCalls,
} from "./requests/allowList.ts";
import { Requests } from "./requests/requests.ts";
import { openSender, openSimulator } from "./sender/openSender.ts";
import type { Sender } from "./sender/sender.ts";
import type { TransactionSigner } from "./sender/signer.ts";
import type { Database } from "./store/database.ts";
import { JobTraces } from "./traces/jobTraces.ts";
import type { Traces } from "./traces/traces.ts";

/** What carries jobs to the chain: the same in a relayer and in a worker beside it. */
export interface Sending {
  readonly journal: Journal;
  readonly queue: WorkQueue;
  readonly sender: Sender;
  readonly leadership: Leadership;
  readonly requests: Requests;
  readonly admission: Admission;
  /** What processes of this relayer share beside the database; undefined where it is alone. */
  readonly shared: { readonly redis: SharedRedis; readonly prefix: string } | undefined;
}

export interface SendingParts {
  readonly deployment: Deployment;
  readonly chain: Chain;
  readonly database: Database;
  readonly operator: TransactionSigner;
  readonly logger: Logger;
  readonly traces: Traces;
}

/** How often it is looked for jobs that nobody was woken for. */
const sweepMs = 2_000;

/** @throws AffiantError ERR_INPUT_REDIS, ERR_INPUT_FILE, ERR_INPUT_CONFIG */
export async function openSending(config: RelayerConfig, parts: SendingParts, closers: Closers): Promise<Sending> {
  const { deployment, chain, database, operator, logger, traces } = parts;
  const journal = new Journal(database);
  const name = `${deployment.chainId}:${logIdOf(config.logOrigin).slice(2, 18)}`;
  const { queue, redis } = await openQueue(config, name, logger);
  closers.add(() => queue.close());
  const lease = new LaneLeases(database, {
    holder: randomUUID(),
    leaseMs: config.leaseMs,
    alone: config.redisUrl === undefined,
    now: Date.now,
  });
  const sender = openSender(config, deployment.chainId, chain, journal, operator, lease);
  sender.wakeBy(({ address }) => queue.wake(laneTask(address)));
  const lanes = sender.lanes.map((lane) => ({ address: lane.address, work: () => lane.work() }));
  const leadership = new Leadership(lease, queue, lanes);
  const jobTraces = traces.guard && new JobTraces(database, traces, Date.now);
  if (jobTraces) sender.onJob((job) => jobTraces.onJob(job));
  const { admission: mode, admissionFile: listFile } = config;
  const admission = new Admission(database, { mode, listFile, chainId: deployment.chainId, now: Date.now });
  const onAccepted = (jobId: string) => jobTraces?.follow(jobId);
  const requests = openRequests(config, parts, journal, sender, admission, onAccepted);
  const shared = redis && { redis, prefix: `affiant:${name}:` };
  return { journal, queue, sender, leadership, requests, admission, shared };
}

/** The loops that go on without requests. They end before what they use is closed. */
export async function startSending(config: RelayerConfig, chain: Chain, sending: Sending, closers: Closers) {
  const { queue, sender, leadership } = sending;
  closers.add(() => chain.heads.stop());
  closers.add(() => sender.stop());
  closers.add(() => leadership.stop());
  // What each process sees by itself wakes what it leads: no way through Redis could be faster.
  chain.heads.onHead(() => leadership.led.forEach((address) => queue.wakeHere(laneTask(address))));
  queue.serve("sweep", () => Promise.resolve(wakeForOpenJobs(sending)));
  queue.repeat("sweep", sweepMs);
  queue.onLost(() => wakeForOpenJobs(sending));
  await leadership.start(config.leaseMs / 3);
  // Where there are several, one of them may be of another chain, and is asked nothing.
  const [only, ...more] = config.rpcUrls;
  const isOne = only !== undefined && more.length === 0;
  chain.heads.start(config.pollIntervalMs, isOne ? new BlockWaiter(only) : withoutWatch);
}

/** The queue, rebuilt from the journal: a wake for each lane that has something to do. */
function wakeForOpenJobs({ journal, queue, sender }: Sending): void {
  if (journal.hasUntaken()) {
    sender.wake();
    return;
  }
  for (const address of journal.busyLanes()) queue.wake(laneTask(address));
}

function openRequests(
  config: RelayerConfig,
  { deployment, chain, traces }: SendingParts,
  journal: Journal,
  sender: Sender,
  admission: Admission,
  onAccepted: (jobId: string) => void,
): Requests {
  const { contracts } = deployment;
  const targets = new Map<string, CarriedContract>([
    [contracts.agentRegistry.address, { abi: chain.agents.abi, open: openAgentCalls, checks: agentCallChecks }],
    [contracts.policyRegistry.address, { abi: chain.policies.abi }],
    [contracts.contractRegistry.address, { abi: chain.scopedContracts.abi }],
    [contracts.keyEscrow.address, { abi: chain.keyEscrow.abi }],
    [contracts.attestationRegistry.address, { abi: chain.attestation.abi, open: openAttestationCalls }],
  ]);
  const simulator = openSimulator(config, chain, sender.operator);
  return new Requests(journal, sender, new AllowList(targets), {
    quotaPerDay: config.requestQuotaPerDay,
    gasPerDay: config.requestGasPerDay,
    budget: { requests: config.budgetRequestsPerDay, gas: config.budgetGasPerDay },
    admission,
    now: Date.now,
    simulate: async (call) => ({
      gasLimit: await traces.span("simulate", { "affiant.target": call.target }, () => simulator.run(call)),
      blockNumber: chain.heads.head?.number ?? 0,
    }),
    onAccepted,
  });
}
