import type { Wallet } from "ethers";

import type { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { type Blocks, withoutWatch } from "../../host/watch/blockWaiter.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { Pipeline, PipelineAgent } from "../descriptor/pipeline.ts";
import { AttestedKeys } from "../escrow/attestedKeys.ts";
import { GroupPublisher } from "../escrow/groupPublisher.ts";
import type { AttestationClient } from "../fleet/attestationClient.ts";
import { type Fleet, threadOf } from "../fleet/fleet.ts";
import { groupNameOf } from "../fleet/programs.ts";
import { connectionsOf } from "../placement/placement.ts";
import { placeAgents } from "../placement/placeAgents.ts";
import type { OrchestratorAgent } from "../self/orchestratorAgent.ts";
import type { Layout } from "../start/layout.ts";
import type { Incumbent, Records } from "../state/records.ts";

export interface ConductorOptions {
  readonly layout: Layout;
  readonly deployment: Deployment;
  readonly records: Records;
  readonly fleet: Fleet;
  readonly attestation: AttestationClient;
  readonly self: OrchestratorAgent;
  /** Holds the orchestrator's role, connected to the chain. */
  readonly account: Wallet;
  readonly relayer: RelayerClient;
  /** How long the last phase waits for holders to say on chain that they have a key. */
  readonly acknowledgedWithinMs: number;
  readonly stop: AbortSignal;
  readonly blocks?: Blocks;
  /** Told of an agent that could not be brought through a phase: the others go on without it. */
  readonly onFailed?: (agent: string, error: unknown) => void;
}

/** Told how far a phase is. */
export type Step = (done: number, of: number, what: string) => void;

/** An epoch as it is in force, for reports. */
export interface EpochState {
  readonly group: string;
  readonly epoch: number;
  readonly current: boolean;
  /** Names of agents. */
  readonly holders: readonly string[];
  readonly acknowledgedBy: readonly string[];
}

/**
 * Brings a pipeline through configuration, attestation and key exchange. Each step looks at what is there, on disk and on
 * the chain, and does what is missing: killed anywhere, it is run again from the beginning and does nothing twice.
 */
export class Conductor {
  readonly options: ConductorOptions;
  #pipeline: Pipeline;
  #groups: readonly GroupPublisher[] = [];
  /** Records that an agent's chain history must exceed before its present process counts as attested. */
  readonly #known = new Map<string, number>();
  readonly #attestedKeys: AttestedKeys;
  /** Agents that did not come through phase two. */
  readonly #missing = new Set<string>();
  /** Of agents that are waited for: told when their processes cannot be kept running. */
  readonly #awaited = new Map<string, (error: Error) => void>();

  constructor(pipeline: Pipeline, options: ConductorOptions) {
    this.#pipeline = pipeline;
    this.options = options;
    const { deployment, account, fleet } = options;
    const { address: registry, blockNumber: sinceBlock } = deployment.contracts.attestationRegistry;
    if (!account.provider) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "the account is connected to no chain");
    this.#attestedKeys = new AttestedKeys({
      provider: account.provider,
      chainId: BigInt(deployment.chainId),
      registry,
      sinceBlock,
      urlOf: (address) => {
        const incumbent = this.#byAddress(address);
        // Of a process that is not attested itself there is no key, whatever the one before it was.
        return incumbent?.state === "attested" ? fleet.wrapperUrlOf(incumbent) : undefined;
      },
    });
  }

  get pipeline(): Pipeline {
    return this.#pipeline;
  }

  /** The descriptor changed; what it says now is brought about by the phases that follow. */
  replacePipeline(pipeline: Pipeline): void {
    this.#pipeline = pipeline;
    this.#groups = [];
  }

  incumbentOf(agent: string): Incumbent {
    const found = this.options.records.incumbent(agent);
    if (found) return found;
    throw new AffiantError("ERR_INTERNAL_UNEXPECTED", `nobody holds the place of ${agent}`);
  }

  /** Phase two, without the wrapping: who runs where. */
  async place(): Promise<Readonly<Record<string, string>>> {
    const { records, self } = this.options;
    const agents = this.#pipeline.agents;
    const before = Object.fromEntries(agents.map(({ name }) => [name, records.incumbent(name)?.site ?? ""]));
    const input = { ...this.#pipeline, connections: connectionsOf(this.#pipeline) };
    const { assignment, cost, optimal } = placeAgents(input, before);
    const key = `pipeline ${JSON.stringify(assignment)}`;
    const output = { latencyMs: cost.latencyMs, optimal };
    await self.record({ act: "pipeline.apply", thread: "pipeline", key, input: assignment, output });
    records.file.put("placement", "now", { assignment, cost, optimal });
    return assignment;
  }

  /**
   * Phase two: every agent installed, its keys made in its own wrapper, registered, its policy committed, enrolled.
   * @throws what the first agent failed with, if none comes through; of others `onFailed` is told
   */
  async configure(step: Step, only?: readonly string[]): Promise<void> {
    const assignment = await this.place();
    const agents = this.#pipeline.agents.filter(({ name }) => only?.includes(name) ?? true);
    const started = new Map<string, Promise<unknown>>();
    const inTurn = turns(atOnce);
    const start = (agent: PipelineAgent): Promise<unknown> => {
      const known = started.get(agent.name);
      if (known) return known;
      // Whoever is to come first may fail; those after it have their own chance.
      const first = agents.filter(({ name }) => agent.startAfter.includes(name)).map(start);
      const starting = Promise.allSettled(first).then(() =>
        inTurn(() => this.wrap(agent, assignment[agent.name] ?? "")),
      );
      started.set(agent.name, starting);
      return starting;
    };
    await this.#each(agents, step, async (agent) => {
      this.#missing.add(agent.name);
      await start(agent);
      this.#missing.delete(agent.name);
    });
  }

  /** Does something for each agent. One that fails takes none of the others down. */
  async #each(agents: readonly PipelineAgent[], step: Step, work: (agent: PipelineAgent) => Promise<unknown>) {
    const left = new Set(agents.map(({ name }) => name));
    const failures: unknown[] = [];
    const through = async (agent: PipelineAgent): Promise<void> => {
      try {
        await work(agent);
      } catch (error) {
        failures.push(error);
        if (this.options.stop.aborted) throw error;
        if (failures.length < agents.length) this.options.onFailed?.(agent.name, error);
      }
      left.delete(agent.name);
      const waiting = left.size === 0 ? "" : `; still to come: ${[...left].join(", ")}`;
      step(agents.length - left.size, agents.length, `${agent.name}${waiting}`);
    };
    await Promise.all(agents.map(through));
    if (failures.length > 0 && failures.length === agents.length) throw failures[0];
  }

  /** One agent up to its enrolment. */
  async wrap(agent: PipelineAgent, site: string): Promise<Incumbent> {
    const { fleet, attestation, records } = this.options;
    const known = records.incumbent(agent.name);
    // Convicted while nobody watched: its place is free.
    if (known?.address !== undefined && (await attestation.standing(known.address)).status === "convicted") {
      records.change(known, { state: "convicted" });
    }
    const incumbent = await fleet.prepare(this.#pipeline, agent, site);
    const before = incumbent.address === undefined ? 0 : await fleet.recordCountOf(incumbent);
    this.#known.set(agent.name, before);
    return fleet.wrap(this.#pipeline, agent, incumbent);
  }

  /**
   * Phase three: each agent verified by another, its present process and no earlier one. Who did not come through phase two is
   * left out. @throws what the first agent failed with, if none comes through; of others `onFailed` is told
   */
  async attest(step: Step, only?: readonly string[]): Promise<void> {
    const agents = this.#pipeline.agents.filter(({ name }) => {
      return (only?.includes(name) ?? true) && !this.#missing.has(name);
    });
    await this.#askForRound(agents.map(({ name }) => name));
    // A round that an earlier run left open, and those to come, waited for the agents to be up.
    if (only === undefined) await this.options.attestation.hastenRound();
    await this.#each(agents, step, ({ name }) => this.#awaitAttested(name));
  }

  async #awaitAttested(name: string): Promise<void> {
    const lost = new Promise<never>((_resolve, reject) => this.#awaited.set(name, reject));
    const attested = this.attestOne(name);
    attested.catch(() => undefined);
    try {
      await Promise.race([attested, lost]);
    } finally {
      this.#awaited.delete(name);
    }
  }

  /** The processes of an agent cannot be kept running: nobody waits for it any longer. */
  givenUp(agent: string, error: Error): void {
    this.#awaited.get(agent)?.(error);
  }

  /** @throws AffiantError ERR_AUTH_NOT_ATTESTED if it is found wanting */
  async attestOne(name: string): Promise<Incumbent> {
    return this.options.fleet.attested(this.incumbentOf(name), this.#known.get(name) ?? 0);
  }

  /** From now on only a newer record counts: the process is another one. */
  async demandAttestation(name: string): Promise<void> {
    const incumbent = this.incumbentOf(name);
    this.#known.set(name, await this.options.fleet.recordCountOf(incumbent));
    this.options.records.change(incumbent, { state: "wrapped" });
    await this.#askForRound([name]);
  }

  /** Who is enrolled is introduced as it comes; who was verified before has to wait for a round, which need not be late. */
  async #askForRound(names: readonly string[]): Promise<void> {
    const { attestation } = this.options;
    for (const name of names) {
      const { status } = await attestation.standing(this.incumbentOf(name).address ?? "");
      if (status !== "enrolled" && status !== "none") return attestation.hastenRound();
    }
  }

  /**
   * Phase four: each group has an epoch, and each of its members that is attested has its key.
   * @throws AffiantError ERR_UNAVAILABLE_KEY if a group has no key in the end
   */
  async giveKeys(step: Step, freshProcesses: boolean): Promise<void> {
    const groups = await this.groups();
    let done = 0;
    for (const publisher of groups) {
      const published = await publisher.step();
      if (freshProcesses && !published) {
        // The key of the epoch in force was sealed to earlier processes, which took what opens it with them.
        await publisher.demandRotation();
        await publisher.step();
      }
      if (!(await publisher.view()).current) {
        throw new AffiantError("ERR_UNAVAILABLE_KEY", `nobody could be given a key of ${publisher.name}`);
      }
      await this.admit(publisher).catch((error: unknown) => {
        // A program was started anew meanwhile: whoever watches has it attested, and admits it then.
        if (!isAffiantError(error, "ERR_UNAVAILABLE_TARGET")) throw error;
      });
      await this.#acknowledged(publisher);
      step(++done, groups.length, publisher.name);
    }
  }

  /**
   * Lets members fetch the key of the epoch in force. The orchestrator's own policy is asked first, for each.
   * @returns whether there is an epoch in force
   * @throws AffiantError ERR_UNAVAILABLE_TARGET if a program was started anew since it was measured
   */
  async admit(publisher: GroupPublisher, only?: readonly string[]): Promise<boolean> {
    const { self, fleet } = this.options;
    const { epoch, current, holders } = await publisher.view();
    if (!current) return false;
    const members = this.#attestedIn(publisher.name).filter(({ agent, address }) => {
      return holders.includes(address ?? "") && (only?.includes(agent) ?? true);
    });
    const [group, number] = [publisher.name, Number(epoch)];
    const input = { group, epoch: number, members: members.map(({ folder }) => folder).sort() };
    await self.record({ act: "pipeline.epoch", thread: group, key: `${group} epoch ${epoch}`, input });
    await Promise.all(
      members.map(async (member) => {
        const thread = threadOf(member);
        const about = { agent: member.agent, group, epoch: number };
        await self.record({ act: "agent.keys", thread, key: `${thread} keys ${group} ${epoch}`, input: about });
        await fleet.command(member.agent, { do: "admit" });
      }),
    );
    return true;
  }

  /** Where the program of an agent stands on its site. @throws AffiantError ERR_INPUT_CONFIG for an unknown name */
  installedProgram(name: string): string {
    const agent = this.#pipeline.agents.find((one) => one.name === name);
    if (agent) return this.options.fleet.installedProgram(this.#pipeline, agent, this.incumbentOf(name));
    throw new AffiantError("ERR_INPUT_CONFIG", `there is no agent ${name} in this pipeline`);
  }

  async groups(): Promise<readonly GroupPublisher[]> {
    if (this.#groups.length !== this.#pipeline.groups.length) {
      const { deployment, account, relayer, layout } = this.options;
      const keyDir = layout.orchestratorDir;
      const made: GroupPublisher[] = [];
      for (const group of this.#pipeline.groups) {
        const name = groupNameOf(this.#pipeline, group.name);
        const members = () => this.#attestedIn(name).flatMap(({ address }) => address ?? []);
        const encryptionKeyOf = (address: string) => this.#attestedKeys.of(address);
        const place = { name, group, deployment, account, relayer, keyDir };
        made.push(await GroupPublisher.open({ ...place, members, encryptionKeyOf }));
      }
      this.#groups = made;
    }
    return this.#groups;
  }

  async epochs(): Promise<readonly EpochState[]> {
    const states: EpochState[] = [];
    for (const publisher of await this.groups()) {
      const { epoch, current, holders: addresses } = await publisher.view();
      const acknowledged = await publisher.acknowledgedBy(epoch, addresses);
      const nameOf = (address: string) => this.#byAddress(address)?.agent ?? address;
      const names = { holders: addresses.map(nameOf), acknowledgedBy: acknowledged.map(nameOf) };
      states.push({ group: publisher.name, epoch: Number(epoch), current, ...names });
    }
    return states;
  }

  /** Waits until every holder has said on chain that it has the key. A program that never asks for one never says so. */
  async #acknowledged(publisher: GroupPublisher): Promise<void> {
    const { epoch, current, holders } = await publisher.view();
    if (!current) return;
    const until = Date.now() + this.options.acknowledgedWithinMs;
    while (Date.now() < until && !this.options.stop.aborted) {
      if ((await publisher.acknowledgedBy(epoch, holders)).length === holders.length) return;
      await (this.options.blocks ?? withoutWatch).next(200, 2_000, this.options.stop);
    }
  }

  #attestedIn(publisher: string): readonly Incumbent[] {
    const group = this.#pipeline.groups.find(({ name }) => groupNameOf(this.#pipeline, name) === publisher);
    return (group?.members ?? []).flatMap((name) => {
      const incumbent = this.options.records.incumbent(name);
      return incumbent?.state === "attested" ? [incumbent] : [];
    });
  }

  #byAddress(address: string): Incumbent | undefined {
    return this.options.records.history().find((one) => one.address?.toLowerCase() === address.toLowerCase());
  }
}

/** So many agents are started at a time: more would only wait for the processor, and be late. */
const atOnce = 8;

/** Runs what it is given, so many at a time, in the order in which it came. */
function turns(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The place is handed on, or given back.
      if (next) next();
      else running--;
    }
  };
}

/** Whether an agent was found wanting, as opposed to slow or away. */
export function isFoundWanting(error: unknown): boolean {
  return isAffiantError(error, "ERR_AUTH_NOT_ATTESTED");
}
