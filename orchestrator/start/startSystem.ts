import { existsSync } from "node:fs";
import { join } from "node:path";

import { JsonRpcProvider } from "ethers";

import { type Deployment } from "../../protocol/deployment.ts";
import { type AffiantError } from "../../protocol/errors/affiantError.ts";
import { openLocalAccounts } from "../chain/accounts.ts";
import { statePathIn } from "../chain/localChain.ts";
import { deployContracts } from "../deploy/deployContracts.ts";
import { readDeploymentFile, writeDeploymentFile } from "../deploy/deploymentFile.ts";
import { type Pipeline } from "../descriptor/pipeline.ts";
import { assertSameGeneration, takeDataFolder } from "../preflight/dataFolder.ts";
import { assertPortFree, freePorts } from "../preflight/ports.ts";
import type { ReadyLine } from "../process/childProcess.ts";
import { type HeldLock } from "../process/folderLock.ts";
import { Supervisor } from "../process/supervisor.ts";
import { type Endpoints, removeEndpoints, writeEndpoints } from "./endpoints.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { agentProgram, chainProgram, localChainId, relayerProgram } from "./programs.ts";
import { type Progress } from "./progress.ts";
import { leaveSecret } from "./secretFile.ts";

export interface SystemOptions {
  readonly dataDir: string;
  readonly pipeline: Pipeline;
  /** Ports on the loopback interface; 0 = any free one. */
  readonly relayerPort: number;
  readonly rpcPort: number;
  /** What children may inherit a little of (PATH and the like). */
  readonly environment: NodeJS.ProcessEnv;
  /** Ends an attempt that is under way; what was started by then is stopped again. */
  readonly stop: AbortSignal;
  /** Told when a process cannot be kept running. */
  readonly onBroken: (error: AffiantError) => void;
}

export interface RunningAgent {
  readonly name: string;
  readonly role: string;
  readonly did: string;
  readonly url: string;
  /** The policy that it says is in force. */
  readonly policy: {
    readonly name: string;
    readonly policyHash: string;
    readonly version: number;
    readonly sinceBlock: number;
  };
}

export interface RunningSystem {
  readonly layout: Layout;
  readonly deployment: Deployment;
  readonly endpoints: Endpoints;
  readonly agents: readonly RunningAgent[];
  /** Process ids by name. */
  pids(): Readonly<Record<string, number>>;
  /** Ends every process, the last started first, and gives the data folder back. */
  stop(): Promise<void>;
}

/**
 * Brings the whole system up on this machine: chain, contracts, relayer, agents. Whatever an earlier run left on disk is
 * taken up; nothing is made a second time.
 *
 * @throws AffiantError ERR_INPUT_DATA_FOLDER, ERR_CONFLICT_RUNNING, ERR_CONFLICT_PORT, ERR_CONFLICT_CHAIN before anything is
 *   started; ERR_UNAVAILABLE_PROCESS with the last lines of the log if a process does not come up
 */
export async function startSystem(options: SystemOptions, progress: Progress): Promise<RunningSystem> {
  progress.begin("Checking this machine");
  const layout = layoutOf(options.dataDir);
  const lock = await takeDataFolder(layout.dataDir);
  try {
    assertSameGeneration(layout.dataDir, statePathIn(layout.chainDir), [
      "deployment.json",
      "relayer/relayer.db",
      "agents",
    ]);
    const ports = await choosePorts(options);
    progress.done(`This machine will do; data in ${layout.dataDir}`);
    return await new Startup(options, layout, lock, ports, progress).run();
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Ports {
  readonly relayer: number;
  readonly rpc: number;
  readonly agents: Readonly<Record<string, number>>;
}

async function choosePorts({ relayerPort, rpcPort, pipeline }: SystemOptions): Promise<Ports> {
  if (relayerPort !== 0) await assertPortFree(relayerPort, "the relayer", "--port");
  if (rpcPort !== 0) await assertPortFree(rpcPort, "the local chain", "--rpc-port");
  const free = await freePorts(pipeline.agents.length + 2);
  const agents = pipeline.agents.map(({ name }, index) => [name, free[index + 2] ?? 0] as const);
  return { relayer: relayerPort || (free[0] ?? 0), rpc: rpcPort || (free[1] ?? 0), agents: Object.fromEntries(agents) };
}

/** The stages of one start, in order. */
class Startup {
  readonly #options: SystemOptions;
  readonly #layout: Layout;
  readonly #lock: HeldLock;
  readonly #ports: Ports;
  readonly #progress: Progress;
  readonly #supervisor: Supervisor;

  constructor(options: SystemOptions, layout: Layout, lock: HeldLock, ports: Ports, progress: Progress) {
    this.#options = options;
    this.#layout = layout;
    this.#lock = lock;
    this.#ports = ports;
    this.#progress = progress;
    this.#supervisor = new Supervisor({
      environment: options.environment,
      onRestart: (name, { code, signal }) =>
        progress.note(`${name} ended by itself (${signal ?? `exit code ${code}`}) and is started again`),
      onGivenUp: options.onBroken,
    });
  }

  async run(): Promise<RunningSystem> {
    const interrupt = () => void this.#supervisor.stop();
    this.#options.stop.addEventListener("abort", interrupt, { once: true });
    try {
      const rpcUrl = await this.#startChain();
      const deployment = await this.#deploy(rpcUrl);
      const relayerUrl = await this.#startRelayer(rpcUrl);
      const agents = await this.#startAgents(relayerUrl, rpcUrl);
      const endpoints: Endpoints = {
        relayerUrl,
        rpcUrl,
        deploymentPath: this.#layout.deployment,
        agents: Object.fromEntries(agents.map(({ name, url }) => [name, url])),
      };
      writeEndpoints(this.#layout.endpoints, endpoints);
      return {
        layout: this.#layout,
        deployment,
        endpoints,
        agents,
        pids: () => this.#supervisor.pids(),
        stop: () => this.#stop(),
      };
    } catch (error) {
      await this.#supervisor.stop();
      throw error;
    } finally {
      this.#options.stop.removeEventListener("abort", interrupt);
    }
  }

  async #startChain(): Promise<string> {
    const known = existsSync(statePathIn(this.#layout.chainDir));
    this.#progress.begin(known ? "Taking up the local chain" : "Making a local chain");
    const accounts = openLocalAccounts(this.#layout.mnemonic);
    leaveSecret(this.#layout.senderKey, accounts.relayer.privateKey);
    const funded = [accounts.deployer.address, accounts.relayer.address];
    const ready = await this.#supervisor.start(chainProgram(this.#layout, this.#ports.rpc, funded));
    const where = `chain id ${localChainId}, ${ready.url}`;
    this.#progress.done(
      known ? `Local chain taken up at block ${blockOf(ready)} (${where})` : `Local chain made (${where})`,
    );
    return ready.url ?? "";
  }

  async #deploy(rpcUrl: string): Promise<Deployment> {
    this.#progress.begin("Putting the contracts on the chain");
    const previous = await readDeploymentFile(this.#layout.deployment);
    const provider = new JsonRpcProvider(rpcUrl, localChainId, { staticNetwork: true, pollingInterval: 100 });
    try {
      const { deployer } = openLocalAccounts(this.#layout.mnemonic);
      const deployment = await deployContracts(deployer.connect(provider), {
        previous,
        onSent: (count) => this.#progress.update(`transaction ${count}`),
      });
      if (deployment !== previous) await writeDeploymentFile(this.#layout.deployment, deployment);
      const count = Object.keys(deployment.contracts).length;
      this.#progress.done(
        deployment === previous ? `${count} contracts found on the chain` : `${count} contracts deployed`,
      );
      return deployment;
    } finally {
      provider.destroy();
    }
  }

  async #startRelayer(rpcUrl: string): Promise<string> {
    this.#progress.begin("Starting the relayer");
    const origin = `localhost/${this.#options.pipeline.name}`;
    const ready = await this.#supervisor.start(relayerProgram(this.#layout, this.#ports.relayer, rpcUrl, origin));
    this.#progress.done(`Relayer is up (${ready.url})`);
    return ready.url ?? "";
  }

  async #startAgents(relayerUrl: string, rpcUrl: string): Promise<readonly RunningAgent[]> {
    const { agents } = this.#options.pipeline;
    this.#progress.begin(`Starting ${agents.length} agents: identity, registration, policy`);
    let up = 0;
    const running = await Promise.all(
      agents.map(async (agent) => {
        const around = { relayerUrl, rpcUrl, ports: this.#ports.agents, contracts: this.#options.pipeline.contracts };
        const ready = await this.#supervisor.start(agentProgram(this.#layout, agent, around));
        this.#progress.update(`${++up} of ${agents.length}`);
        const { did, policy } = ready as unknown as Pick<RunningAgent, "did" | "policy">;
        return { name: agent.name, role: agent.role, did, url: ready.url ?? "", policy };
      }),
    );
    this.#progress.done(`${agents.length} agents registered, each with its policy in force`);
    return running;
  }

  async #stop(): Promise<void> {
    removeEndpoints(this.#layout.endpoints);
    await this.#supervisor.stop();
    this.#lock.release();
  }
}

function blockOf(ready: ReadyLine): string {
  return String(ready["blockNumber"]);
}

/** The pipeline that `npm start` runs. */
export const shopPipelinePath = join(import.meta.dirname, "../../examples/shop/pipeline.yaml");
