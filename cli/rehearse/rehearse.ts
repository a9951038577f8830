import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { Wallet } from "ethers";

import { readEvidence } from "../../protocol/evidence/readEvidence.ts";
import type { AuditReport } from "../../auditor/report/auditReport.ts";
import type { Governance } from "../../auditor/governance/governance.ts";
import { startAnvil } from "../../orchestrator/chain/anvil.ts";
import { readPipeline } from "../../orchestrator/descriptor/readPipeline.ts";
import { freePorts } from "../../orchestrator/preflight/ports.ts";
import type { Progress } from "../../orchestrator/start/progress.ts";
import { statusOf, workedThrough } from "../../orchestrator/start/work.ts";
import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import { affiant } from "./affiant.ts";
import { rehearseCeremony, type RehearsedCeremony } from "./ceremony.ts";
import { type ChainTransaction, transactionsOn } from "./costs.ts";
import { type Deployed, rehearseDeployment } from "./deployment.ts";
import { type FlakyEndpoint, startFlakyEndpoint } from "./endpoint.ts";
import { type RehearseOptions, testnets } from "./options.ts";
import { openShop, type RunningShop } from "./shop.ts";
import { Testnet, type TestnetEvents } from "./testnet.ts";

/** The deployment is killed after so many of its transactions, and begun again. */
const killAfter = 5;
/** One more than the deepest reorganisation. */
const confirmations = 4;
const flakiness = { drop: 2, lose: 2, cut: 1, limit: 2 };
const pipelinePath = join(import.meta.dirname, "../../examples/shop/pipeline.yaml");

export interface Rehearsed {
  readonly audit: AuditReport;
  readonly entryCount: number;
  readonly governance: Governance;
  readonly transactions: readonly ChainTransaction[];
  readonly chain: TestnetEvents;
  readonly endpoints: readonly FlakyEndpoint["counts"][];
  readonly killAfter: number;
  readonly seconds: number;
}

type Accounts = Readonly<Record<"deployer" | "relayer" | "guardian", { address: string; privateKey: string }>>;

/** The whole way of an operator: keys, contracts, relayer, agents, evidence, audit. */
export async function rehearse(options: RehearseOptions, progress: Progress, stop: AbortSignal): Promise<Rehearsed> {
  const { network, folder, blockTimeMs, reorgEvery } = options;
  mkdirSync(folder, { recursive: true });
  progress.note(
    blockTimeMs >= 12_000
      ? "This takes about ten minutes; --block-time 1 takes three minutes, and is less like the testnet"
      : `ACCELERATED: a block every ${blockTimeMs / 1_000} s, where the testnet has one every 12 s`,
  );
  const startedAt = performance.now();
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const keys = await ceremony(options.ceremony ?? join(folder, "ceremony"), progress);

    progress.begin("A chain");
    const [port = 0] = await freePorts(1);
    const anvil = await startAnvil({ port, chainId: testnets[network], pidPath: join(folder, "anvil.pid") });
    ends.unshift(() => anvil.stop());
    const testnet = new Testnet({ anvil, blockTimeMs, reorgEvery });
    const mining = testnet.run();
    ends.unshift(() => (testnet.stop(), mining));
    const endpoints = [
      await startFlakyEndpoint(anvil.url, flakiness, 1),
      await startFlakyEndpoint(anvil.url, flakiness, 2),
    ];
    for (const endpoint of endpoints) ends.unshift(() => endpoint.close());
    const rpcUrls = endpoints.map(({ url }) => url);
    const accounts = {
      deployer: Wallet.createRandom(),
      relayer: Wallet.createRandom(),
      guardian: Wallet.createRandom(),
    };
    for (const { address } of [accounts.deployer, accounts.relayer]) {
      await anvil.rpc("anvil_setBalance", address, `0x${(50n * 10n ** 18n).toString(16)}`);
    }
    progress.done(
      `A chain with the id ${testnets[network]}, a block every ${blockTimeMs / 1_000} s, two flaky endpoints`,
    );

    const deployed = await deploy(options, { keys, accounts, rpcUrls, progress });
    const shop = await startShop(options, { keys, accounts, rpcUrls, progress, deployed });
    ends.unshift(() => shop.stop());
    await work(shop, progress, stop);

    const command = new Commands(shop, { rpcUrls, deployed, keys, progress });
    await command.prove("order");
    const { audit, entryCount } = await command.auditedEvidence(join(folder, "evidence.jsonl"));
    const governance = await command.governance();
    const names = { [accounts.deployer.address]: "deployer", [accounts.relayer.address]: "relayer" };
    return {
      audit,
      entryCount,
      governance,
      transactions: await transactionsOn(anvil.rpc, deployed.deployment, keys.artifactsDir, names),
      chain: testnet.events,
      endpoints: endpoints.map(({ counts }) => counts),
      killAfter,
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    };
  } finally {
    for (const end of ends) await end().catch(() => undefined);
  }
}

async function ceremony(folder: string, progress: Progress): Promise<RehearsedCeremony> {
  progress.begin("A ceremony for the keys of the circuit (one machine plays everybody)");
  const keys = await rehearseCeremony(folder);
  progress.done("Keys of a ceremony: two contributors and a beacon, verified and exported");
  return keys;
}

interface Around {
  readonly keys: RehearsedCeremony;
  readonly accounts: Accounts;
  readonly rpcUrls: readonly string[];
  readonly progress: Progress;
}

async function deploy({ network, folder }: RehearseOptions, around: Around): Promise<Deployed> {
  const { keys, accounts, rpcUrls, progress } = around;
  progress.begin(`affiant deploy --network ${network}`);
  const deployed = await rehearseDeployment({
    network,
    rpcUrl: rpcUrls[0] ?? "",
    folder,
    ...keys,
    deployerKey: accounts.deployer.privateKey,
    guardian: accounts.guardian.address,
    killAfter,
    onLine: (line) => (line.startsWith("  ") ? undefined : progress.update(line)),
  });
  const count = Object.keys(deployed.deployment.contracts).length;
  progress.done(`${count} contracts deployed; killed after ${killAfter} transactions, and begun again`);
  return deployed;
}

async function startShop(
  { folder, blockTimeMs }: RehearseOptions,
  { keys, accounts, rpcUrls, progress, deployed }: Around & { readonly deployed: Deployed },
): Promise<RunningShop> {
  const pipeline = readPipeline(pipelinePath);
  progress.begin(`The relayer, and ${pipeline.agents.length} agents: identity, registration, policy`);
  const broken = Promise.withResolvers<never>();
  const shop = openShop({
    folder,
    pipeline,
    rpcUrls,
    deployed,
    senderKey: accounts.relayer.privateKey,
    keysDir: keys.keysDir,
    blockTimeMs,
    confirmations,
    onNote: (line) => progress.note(line),
    onBroken: (error: AffiantError) => broken.reject(error),
  });
  const running = await Promise.race([shop, broken.promise]);
  progress.done(`Relayer and ${pipeline.agents.length} agents are up, each with its policy in force`);
  return running;
}

async function work({ agentUrls }: RunningShop, progress: Progress, stop: AbortSignal): Promise<void> {
  progress.begin("The agents work through their queue");
  const total = (await statusOf(agentUrls))?.waiting ?? 0;
  const { done, refused } = await workedThrough(agentUrls, stop, ({ waiting }) => {
    progress.update(`${Math.max(0, total - waiting)} of ${total}`);
  });
  progress.done(`Worked through ${total} orders: ${done} steps were taken and ${refused} refused`);
}

/** What an operator and an auditor type when the work is done. */
class Commands {
  readonly #shop: RunningShop;
  readonly #around: Pick<Around, "keys" | "rpcUrls" | "progress"> & { readonly deployed: Deployed };

  constructor(shop: RunningShop, around: Pick<Around, "keys" | "rpcUrls" | "progress"> & { deployed: Deployed }) {
    this.#shop = shop;
    this.#around = around;
  }

  /** The only transaction that the ceremony's keys decide: the verifier on the chain takes a proof made under them. */
  async prove(agent: string): Promise<void> {
    const { progress } = this.#around;
    progress.begin(`affiant agent prove ${agent}`);
    await this.#run(["agent", "prove", agent, ...this.#all()]);
    progress.done("A proof of key ownership, made under the ceremony's keys and taken by the verifier on the chain");
  }

  async auditedEvidence(file: string): Promise<{ readonly audit: AuditReport; readonly entryCount: number }> {
    const { progress, rpcUrls, deployed } = this.#around;
    progress.begin("affiant log export: waiting until the last anchor is final");
    await this.#run(["log", "export", "--out", file, "--final", "--anchor-timeout", "3600", ...this.#all()]);
    const entryCount = readEvidence(await readFile(file)).entries.length;
    progress.done(`${entryCount} entries anchored for good; evidence written`);
    progress.begin("affiant audit, through the flaky endpoint");
    const args = ["audit", file, "--rpc", rpcUrls[0] ?? "", "--deployment", deployed.path];
    const audit = JSON.parse(await this.#run(args, [1, 3, 4, 5])) as AuditReport;
    progress.done(
      `Audited: ${audit.verdicts.length} verdicts, ${audit.conformity.judged} acts judged by their policies`,
    );
    return { audit, entryCount };
  }

  async governance(): Promise<Governance> {
    const { rpcUrls, deployed } = this.#around;
    const args = ["governance", "show", "--rpc", rpcUrls[0] ?? "", "--deployment", deployed.path];
    return JSON.parse(await this.#run(args)) as Governance;
  }

  #all(): readonly string[] {
    const { rpcUrls, deployed } = this.#around;
    const { dataDir, relayerUrl } = this.#shop;
    return ["--data", dataDir, "--relayer", relayerUrl, "--rpc", rpcUrls[0] ?? "", "--deployment", deployed.path];
  }

  async #run(args: readonly string[], exitCodes: readonly number[] = []): Promise<string> {
    const env = { AFFIANT_CIRCUIT_KEYS_DIR: this.#around.keys.keysDir };
    return (await affiant([...args, "--json"], { env, exitCodes })) ?? "";
  }
}
