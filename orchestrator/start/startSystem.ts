import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ChainProvider } from "../../agent/chain/chainProvider.ts";
import { openAgentKeys } from "../../agent/keys/keystore.ts";
import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { BlockWaiter } from "../../host/watch/blockWaiter.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import { statePathIn } from "../chain/localChain.ts";
import { Conductor } from "../conductor/conductor.ts";
import { noteApplied } from "../conductor/plan.ts";
import { rollOut } from "../conductor/rollOut.ts";
import { Watch } from "../conductor/watch.ts";
import { readPipeline } from "../descriptor/readPipeline.ts";
import { AttestationClient } from "../fleet/attestationClient.ts";
import { Fleet } from "../fleet/fleet.ts";
import { WrapperCalls } from "../fleet/wrapperCalls.ts";
import { Doorbells } from "../later/doorbells.ts";
import { LocalProcesses } from "../infrastructure/localProcesses.ts";
import { assertSameGeneration, takeDataFolder } from "../preflight/dataFolder.ts";
import { freePorts } from "../preflight/ports.ts";
import type { HeldLock } from "../process/folderLock.ts";
import { Supervisor } from "../process/supervisor.ts";
import { OrchestratorAgent, orchestratorName } from "../self/orchestratorAgent.ts";
import { Records } from "../state/records.ts";
import { StateFile, stateFileIn } from "../state/stateFile.ts";
import { Ground } from "./ground.ts";
import { type Endpoints, removeEndpoints, writeEndpoints } from "./endpoints.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { patient } from "./patience.ts";
import { choosePorts, type Ports } from "./ports.ts";
import type { Progress } from "./progress.ts";
import type { RunningSystem, SystemOptions } from "./system.ts";

/**
 * Brings a pipeline up on this machine in four phases: deployment (chain, contracts, relayer, attestation service),
 * configuration of protected agents, mutual attestation, key exchange; then watches over it. Whatever an earlier run left
 * on disk is taken up; nothing is made a second time.
 *
 * @throws AffiantError ERR_INPUT_DATA_FOLDER, ERR_CONFLICT_RUNNING, ERR_CONFLICT_PORT, ERR_CONFLICT_CHAIN before anything is
 *   started; ERR_UNAVAILABLE_PROCESS with the last lines of the log if a process does not come up
 */
export async function startSystem(options: SystemOptions, shown: Progress): Promise<RunningSystem> {
  const layout = layoutOf(options.dataDir);
  const hint = `What each process says is in ${layout.log("*")}; Ctrl-C ends it, and the next start goes on from there`;
  const progress = patient(shown, { hint });
  progress.begin("Checking this machine");
  const lock = await takeDataFolder(layout.dataDir);
  try {
    assertSameGeneration(layout.dataDir, statePathIn(layout.chainDir), [
      "deployment.json",
      "relayer/relayer.db",
      // The orchestrator's keys are there before the chain is; its journal, and all other agents, are not.
      "agents/orchestrator/journal.db",
    ]);
    const ports = await choosePorts(options);
    progress.done(`This machine will do; data in ${layout.dataDir}`);
    return await new Startup(options, layout, lock, ports, progress).run();
  } catch (error) {
    lock.release();
    throw error;
  } finally {
    progress.end?.();
  }
}

/** Without them there is no system. */
const needed = ["chain", "relayer", "attestation"];

/** The stages of one start, in order. */
class Startup {
  readonly #options: SystemOptions;
  readonly #layout: Layout;
  readonly #lock: HeldLock;
  readonly #ports: Ports;
  readonly #progress: Progress;
  readonly #supervisor: Supervisor;
  readonly #state: StateFile;
  readonly #ending = new AbortController();
  readonly #closing: (() => void)[] = [];
  /** Process ids of the agents' programs, which are children of their wrappers. */
  readonly #programs = new Map<string, number>();
  #watch: Watch | undefined;
  #bells: Doorbells | undefined;
  #conductor: Conductor | undefined;
  /** Agents that did not come through the start. */
  readonly #failed = new Set<string>();
  #found = { rpcUrl: "", relayerUrl: "" };

  constructor(options: SystemOptions, layout: Layout, lock: HeldLock, ports: Ports, progress: Progress) {
    this.#options = options;
    this.#layout = layout;
    this.#lock = lock;
    this.#ports = ports;
    this.#progress = progress;
    this.#state = new StateFile(stateFileIn(layout.dataDir));
    this.#supervisor = new Supervisor({
      environment: options.environment,
      onRestart: (name, { code, signal }) =>
        this.#say("info", name, `${name} ended by itself (${signal ?? `exit code ${code}`}) and is started again`),
      onBack: (name) => {
        this.#bells?.restarted(name);
        if (this.#ports.agents[name] !== undefined) this.#watch?.wrapperBack(name);
      },
      // An agent that cannot be kept running is one agent less; without chain, relayer or service there is no system.
      onGivenUp: (error, name) => {
        if (needed.includes(name)) return options.onBroken(error);
        this.#say(
          "alarm",
          name,
          `${name} cannot be kept running (${error.message}); the others go on. ${error.hint ?? ""}`,
        );
        this.#conductor?.givenUp(name, error);
      },
    });
  }

  async run(): Promise<RunningSystem> {
    const interrupt = () => {
      this.#ending.abort();
      void this.#supervisor.stop();
    };
    this.#options.stop.addEventListener("abort", interrupt, { once: true });
    try {
      const { supervisor, progress } = { supervisor: this.#supervisor, progress: this.#progress };
      const ground = new Ground(this.#options.pipeline, this.#layout, this.#ports, supervisor, progress);
      const { rpcUrl, relayerUrl, attestationUrl, deployment } = await ground.lay();
      this.#found = { rpcUrl, relayerUrl };
      const conductor = await this.#makeConductor(rpcUrl, relayerUrl, attestationUrl, deployment);
      this.#conductor = conductor;
      const watch = this.#watchOver(conductor);
      await this.#bringThrough(conductor);
      const endpoints = this.#endpoints(relayerUrl, rpcUrl);
      await this.#hangBells(endpoints);
      writeEndpoints(this.#layout.endpoints, this.#endpoints(relayerUrl, rpcUrl));
      watch.start();
      return this.#running(conductor, deployment, endpoints);
    } catch (error) {
      await this.#supervisor.stop();
      this.#close();
      throw error;
    } finally {
      this.#options.stop.removeEventListener("abort", interrupt);
    }
  }

  async #hangBells(endpoints: Endpoints): Promise<void> {
    const bells = await Doorbells.hang({
      services: this.#options.later ?? { names: [], program: "" },
      supervisor: this.#supervisor,
      dataDir: this.#layout.dataDir,
      logPath: this.#layout.log("later"),
      endpoints,
      onTrouble: (name, reason) => this.#say("alarm", name, reason),
    });
    this.#closing.push(() => bells.close());
    this.#bells = bells;
  }

  /** What conducts the pipeline: the orchestrator's own identity and its view of the services. */
  async #makeConductor(rpcUrl: string, relayerUrl: string, attestationUrl: string, deployment: Deployment) {
    const { dataDir } = this.#layout;
    const records = new Records(this.#state);
    const provider = new ChainProvider({ url: rpcUrl, chainId: deployment.chainId, pollingInterval: 100 });
    this.#closing.push(() => provider.destroy());
    const settings = { notBeforeDepth: 1 };
    const self = await OrchestratorAgent.open({ dataDir, relayerUrl, rpcUrl, deployment, settings }, this.#state);
    this.#closing.push(() => self.close());
    const { account } = await openAgentKeys(dataDir, orchestratorName);
    const registry = deployment.contracts.attestationRegistry.address;
    const attestation = new AttestationClient(attestationUrl, this.#layout.attestationDir, provider, registry);
    const calls = new WrapperCalls((name, message) => this.#supervisor.send(name, message));
    const { passphraseFile } = this.#options;
    const around = {
      relayerUrl,
      rpcUrl,
      attestationUrl,
      ports: this.#ports.agents,
      ...(passphraseFile ? { passphraseFile } : {}),
    };
    const fleet = new Fleet({
      layout: this.#layout,
      infrastructure: new LocalProcesses(dataDir, this.#options.environment["PATH"] ?? ""),
      records,
      supervisor: this.#supervisor,
      calls,
      attestation,
      self,
      around,
      stop: this.#ending.signal,
      blocks: () => new BlockWaiter(rpcUrl),
    });
    fleet.onSaid = (agent, news) => {
      if (news.says === "program-ready") this.#programs.set(agent, news.pid);
      this.#watch?.hear(agent, news);
    };
    const contracts = Object.fromEntries(Object.entries(deployment.contracts).map(([name, at]) => [name, at.address]));
    await self.record({ act: "pipeline.deploy", thread: "pipeline", key: `deploy ${registry}`, input: contracts });
    return new Conductor(this.#options.pipeline, {
      layout: this.#layout,
      deployment,
      records,
      fleet,
      attestation,
      self,
      account: account.connect(provider),
      relayer: new RelayerClient({
        url: relayerUrl,
        operatorToken: readFileSync(this.#layout.operatorToken, "utf8").trim(),
      }),
      acknowledgedWithinMs: this.#options.acknowledgedWithinMs ?? 60_000,
      stop: this.#ending.signal,
      blocks: new BlockWaiter(rpcUrl),
      onFailed: (agent, error) => this.#failedOn(agent, error),
    });
  }

  /** What, why, and what can be done about it. */
  #failedOn(agent: string, error: unknown): void {
    this.#failed.add(agent);
    const { message, hint } = error as AffiantError;
    const log = this.#layout.log(agent);
    const remedy = `${hint ?? `See ${log}`}; then start again: it goes on from there`;
    this.#say("alarm", agent, `${agent} did not come up (${message}); the others go on without it. ${remedy}`);
  }

  /** Phases two to four. */
  async #bringThrough(conductor: Conductor): Promise<void> {
    const progress = this.#progress;
    const step = (done: number, of: number, what: string) => progress.update(`${done} of ${of}, ${what}`);
    const { agents, groups } = conductor.pipeline;
    progress.begin(`Configuring ${agents.length} protected agents: keys, registration, policy, measurement`);
    await conductor.configure(step);
    const configured = agents.filter(({ name }) => !this.#failed.has(name));
    progress.done(`${configured.length} agents registered, each with its policy in force, wrapped and enrolled`);
    progress.begin("The agents attest each other");
    await conductor.attest(step);
    const attested = agents.filter(({ name }) => !this.#failed.has(name));
    progress.done(`${attested.length} agents attested: each runs what was enrolled`);
    if (groups.length > 0) {
      progress.begin("Giving the groups their keys");
      await conductor.giveKeys(step, true);
      const epochs = await conductor.epochs();
      const inWords = epochs.map(({ group, epoch, holders }) => `${group} epoch ${epoch}, ${holders.length} agents`);
      progress.done(`Keys given and acknowledged on chain (${inWords.join("; ")})`);
    }
    noteApplied(conductor.pipeline, conductor.options.records);
    this.#state.say("info", "pipeline", `${attested.length} agents are attested and have their keys`, Date.now());
  }

  /** It listens from the beginning: agents can end while the others are brought up. */
  #watchOver(conductor: Conductor): Watch {
    this.#watch = new Watch({
      conductor,
      say: (level, subject, text) => this.#say(level, subject, text),
      stop: this.#ending.signal,
      obey: () => this.#obey(conductor),
      blocks: new BlockWaiter(this.#found.rpcUrl),
    });
    return this.#watch;
  }

  async #obey(conductor: Conductor): Promise<void> {
    for (const { id, kind, argument } of this.#state.openRequests()) {
      if (kind === "down") {
        this.#state.answer(id, "ending");
        this.#options.onDown?.();
      } else this.#state.answer(id, await this.#apply(conductor, argument));
    }
  }

  /** @returns what was done, or why nothing was, for whoever asked */
  async #apply(conductor: Conductor, path: string): Promise<string> {
    try {
      const pipeline = readPipeline(path);
      if (pipeline.name !== conductor.pipeline.name) return `error: this folder runs ${conductor.pipeline.name}`;
      await this.#watch?.settled();
      const added = pipeline.agents.filter(({ name }) => this.#ports.agents[name] === undefined);
      const ports = await freePorts(2 * added.length);
      added.forEach(({ name }, i) => {
        this.#ports.agents[name] = { program: ports[2 * i] ?? 0, wrapper: ports[2 * i + 1] ?? 0 };
      });
      const done = await rollOut(conductor, pipeline, () => undefined);
      for (const line of done) this.#say("info", "pipeline", line);
      const { relayerUrl, rpcUrl } = this.#found;
      writeEndpoints(this.#layout.endpoints, this.#endpoints(relayerUrl, rpcUrl));
      return done.length === 0 ? "nothing changes" : done.join("\n");
    } catch (error) {
      this.#say("alarm", "pipeline", `the descriptor could not be brought about: ${(error as Error).message}`);
      return `error: ${(error as Error).message}`;
    }
  }

  #endpoints(relayerUrl: string, rpcUrl: string): Endpoints {
    const agents = Object.entries(this.#ports.agents).map(([name, { program }]) => [
      name,
      `http://127.0.0.1:${program}`,
    ]);
    const deploymentPath = this.#layout.deployment;
    return {
      relayerUrl,
      rpcUrl,
      deploymentPath,
      agents: Object.fromEntries(agents) as Record<string, string>,
      allowPrivate: true,
    };
  }

  #running(conductor: Conductor, deployment: Deployment, endpoints: Endpoints): RunningSystem {
    const { records, self, attestation } = conductor.options;
    const watch = this.#watch;
    return {
      layout: this.#layout,
      deployment,
      endpoints,
      records,
      get pipeline() {
        return conductor.pipeline;
      },
      get agents() {
        return conductor.pipeline.agents.flatMap(({ name, role }) => {
          const { did, policy, site, generation } = records.incumbent(name) ?? {};
          if (!did || !policy || !site || !generation) return [];
          return [{ name, role, did, url: endpoints.agents[name] ?? "", policy, site, generation }];
        });
      },
      failed: [...this.#failed],
      get history() {
        return records.history();
      },
      orchestrator: { did: self.agent.did, policy: self.policy },
      later: this.#bells?.urls ?? {},
      round: () => attestation.round(),
      epochs: () => conductor.epochs(),
      quiet: () => watch?.quiet ?? true,
      programOf: (agent) => ({ path: conductor.installedProgram(agent), pid: this.#programs.get(agent) ?? -1 }),
      pids: () => ({ ...this.#supervisor.pids() }),
      stop: () => this.#stop(),
    };
  }

  #say(level: "info" | "alarm", subject: string, text: string): void {
    this.#state.say(level, subject, text, Date.now());
    this.#progress.note(text);
  }

  async #stop(): Promise<void> {
    this.#ending.abort();
    removeEndpoints(this.#layout.endpoints);
    await this.#supervisor.stop();
    await this.#watch?.ended();
    this.#close();
    this.#lock.release();
  }

  #close(): void {
    for (const close of this.#closing.splice(0)) close();
    this.#state.close();
  }
}

/** The pipeline that `npm start` runs. */
export const shopPipelinePath = join(import.meta.dirname, "../../examples/shop/pipeline.yaml");
