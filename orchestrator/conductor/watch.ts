import { setTimeout as sleep } from "node:timers/promises";

import { type Blocks, withoutWatch } from "../../host/watch/blockWaiter.ts";
import type { AgentStanding } from "../../attestation/service/registry.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { threadOf } from "../fleet/fleet.ts";
import type { Incumbent } from "../state/records.ts";
import type { WrapperNews } from "../wrapping/messages.ts";
import { type Conductor, isFoundWanting } from "./conductor.ts";
import { cutOff } from "./cutOff.ts";

export interface WatchOptions {
  readonly conductor: Conductor;
  /** Tells people, and keeps what was told. */
  readonly say: (level: "info" | "alarm", subject: string, text: string) => void;
  readonly intervalMs?: number;
  readonly blocks?: Blocks;
  readonly stop: AbortSignal;
  /** What others asked of the orchestrator. */
  readonly obey: () => Promise<void>;
}

/**
 * Looks after a pipeline that is up: who is restarted is attested before it gets keys again, who is quarantined is held,
 * who is convicted is cut off and replaced, and groups get their next keys when they are due. What it does follows from the
 * chain and from the records alone.
 */
export class Watch {
  readonly #options: WatchOptions;
  /** What is under way for an agent: one thing at a time. */
  readonly #busy = new Map<string, Promise<void>>();
  /** Programs that ended by themselves and are not up again yet. */
  readonly #ended = new Set<string>();
  /** Agents that were started anew while the pipeline was being brought up, and whether their wrappers were, too. */
  #early: Map<string, boolean> | undefined = new Map();
  readonly #troubles = new Map<string, Trouble>();
  readonly #givenUp = new Set<string>();
  #reusedTickets = 0;
  #done: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** From now on it acts; what it heard before is dealt with now. */
  start(): void {
    const early = this.#early ?? new Map<string, boolean>();
    this.#early = undefined;
    for (const [agent, freshKeys] of early) this.#onProcess(agent, freshKeys);
    this.#done = this.#loop();
  }

  /** Ends when the stop signal was given and what is under way has come to its end. */
  async ended(): Promise<void> {
    await this.#done;
    await Promise.allSettled(this.#busy.values());
  }

  /** Nothing is under way for any agent. */
  get quiet(): boolean {
    return this.#busy.size === 0;
  }

  /** A wrapper says something of its own accord. */
  hear(agent: string, news: WrapperNews): void {
    const { say } = this.#options;
    if (news.says === "program-ended") {
      this.#ended.add(agent);
      say("info", agent, `${agent} ended by itself (${news.signal ?? `exit code ${news.code}`}) and is started again`);
      // Should the next one turn out to be another program, what this one did is then bounded to before it.
      this.#options.conductor.options.relayer.requestAnchor().catch((error: unknown) => this.#note("log", error));
    } else if (news.says === "program-ready") {
      // The first one is not told here: whoever started it waits for it.
      if (this.#ended.delete(agent)) this.#onProcess(agent, false);
    } else {
      say("alarm", agent, `${agent} runs something else than was enrolled: its wrapper holds it`);
    }
  }

  /** A wrapper was started again after it had ended by itself. */
  wrapperBack(agent: string): void {
    this.#onProcess(agent, true);
  }

  /** The present process of an agent is a new one: attested first, then given keys. */
  #onProcess(agent: string, freshKeys: boolean): void {
    const { conductor, say } = this.#options;
    if (this.#early) {
      this.#early.set(agent, freshKeys || this.#early.get(agent) === true);
      return;
    }
    this.#whileFree(agent, async () => {
      const { state } = conductor.incumbentOf(agent);
      if (state !== "attested" && state !== "wrapped") return;
      const keyed = await this.#bringBack(agent, freshKeys);
      say("info", agent, keyed ? `${agent} is attested anew and has its keys again` : `${agent} is attested anew`);
    });
  }

  /** @returns whether it has keys; if not, the next epoch brings them */
  async #bringBack(agent: string, freshKeys: boolean): Promise<boolean> {
    const { conductor } = this.#options;
    const { fleet, self } = conductor.options;
    let incumbent = conductor.incumbentOf(agent);
    for (let sound = false; !sound;) {
      await conductor.demandAttestation(agent);
      incumbent = await conductor.attestOne(agent);
      // The newest record may be of the process before, whose evidence was on its way when that ended.
      sound = await fleet.command(agent, { do: "vouch" }).then(
        () => true,
        (error: unknown) => {
          if (isAffiantError(error, "ERR_UNAVAILABLE_TARGET")) return false;
          throw error;
        },
      );
    }
    const thread = threadOf(incumbent);
    const key = `${thread} restart ${await fleet.recordCountOf(incumbent)}`;
    await self.record({ act: "agent.restart", thread, key, input: { agent, did: incumbent.did ?? "" } });
    let keyed = true;
    for (const publisher of await conductor.groups()) {
      if (freshKeys) {
        await publisher.demandRotation();
        await publisher.step();
      }
      const admitted = await conductor.admit(publisher, freshKeys ? undefined : [agent]);
      keyed &&= admitted;
    }
    return keyed;
  }

  async #loop(): Promise<void> {
    const { stop, intervalMs = 500, obey, blocks = withoutWatch } = this.#options;
    let fresh = true;
    const hear = async (): Promise<void> => {
      for (; !stop.aborted; fresh = true) await blocks.next(intervalMs, 10 * intervalMs, stop);
    };
    void hear();
    for (let tick = 0; !stop.aborted; tick++) {
      await this.#without("pipeline", obey);
      if (fresh) {
        fresh = false;
        await this.#without("pipeline", () => this.#look());
      }
      if (tick % 10 === 0) await this.#without("attestation", () => this.#lookForAlarms());
      await sleep(intervalMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** Waits until nothing is under way, so that something of another kind can be done. */
  async settled(): Promise<void> {
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy.values());
  }

  async #look(): Promise<void> {
    const { conductor } = this.#options;
    const { attestation, records } = conductor.options;
    for (const { name } of conductor.pipeline.agents) {
      const incumbent = records.incumbent(name);
      if (!incumbent?.address || this.#busy.has(name) || incumbent.state === "wanted") continue;
      await this.#judge(incumbent, await attestation.standing(incumbent.address));
    }
    if (this.#busy.size > 0) return;
    for (const publisher of await conductor.groups()) {
      const published = await publisher.step();
      if (published) {
        this.#options.say("info", "pipeline", `${publisher.name}: epoch ${published.epoch} (${published.reason})`);
        await conductor.admit(publisher);
      }
    }
  }

  async #judge(incumbent: Incumbent, { status, sinceBlock }: AgentStanding): Promise<void> {
    const { conductor, say } = this.#options;
    const { records, fleet, self } = conductor.options;
    const { agent, folder } = incumbent;
    const thread = threadOf(incumbent);
    if (status === "quarantined" && incumbent.state !== "isolated") {
      records.change(incumbent, { state: "isolated", quarantinedAtBlock: sinceBlock });
      say(
        "alarm",
        agent,
        `${folder} is in quarantine since block ${sinceBlock}: a verifier found it wanting; it is held`,
      );
      await fleet.command(agent, { do: "isolate" });
      const input = { agent, did: incumbent.did ?? "", block: sinceBlock };
      await self.record({ act: "agent.isolate", thread, key: `${thread} isolate ${sinceBlock}`, input });
    } else if (status === "trusted" && incumbent.state === "isolated") {
      await fleet.command(agent, { do: "release" });
      records.change(incumbent, { state: "attested" });
      say("info", agent, `${folder} is cleared in block ${sinceBlock} and goes on`);
      const input = { agent, did: incumbent.did ?? "", block: sinceBlock };
      await self.record({ act: "agent.release", thread, key: `${thread} release ${sinceBlock}`, input });
    } else if (status === "convicted" && incumbent.state !== "convicted") {
      this.#whileFree(agent, () => this.#replace(incumbent, sinceBlock));
    } else if (status === "convicted") {
      this.#whileFree(agent, () => this.#succeed(incumbent));
    } else if (isOwedAttestation(status, incumbent)) {
      this.#whileFree(agent, () => this.#attestAnew(incumbent));
    }
  }

  /** Without it the agent would wait, without a key, until a round is due. */
  async #attestAnew({ agent, folder }: Incumbent): Promise<void> {
    const { conductor, say } = this.#options;
    say("info", agent, `${folder} is not trusted now; it is to be attested anew`);
    await conductor.demandAttestation(agent);
    await conductor.attestOne(agent);
    await this.#giveKeys();
    say("info", agent, `${folder} is attested anew`);
  }

  async #giveKeys(): Promise<void> {
    const { conductor } = this.#options;
    for (const publisher of await conductor.groups()) {
      await publisher.step();
      await conductor.admit(publisher);
    }
  }

  async #replace(incumbent: Incumbent, block: number): Promise<void> {
    const { conductor, say } = this.#options;
    const { agent, folder } = incumbent;
    say("alarm", agent, `${folder} is convicted in block ${block}`);
    const convicted = await cutOff(conductor, incumbent, block, (text) => say("info", agent, text));
    await this.#succeed(convicted);
  }

  /** Somebody new for the place of a convicted agent: other keys, another identity, the same program as was enrolled. */
  async #succeed(convicted: Incumbent): Promise<void> {
    const { conductor, say } = this.#options;
    const { agent, generation, folder } = convicted;
    if (conductor.incumbentOf(agent).generation !== generation) return;
    const { maxReplacements } = conductor.pipeline.restart;
    if (generation > maxReplacements) {
      if (this.#givenUp.has(agent)) return;
      this.#givenUp.add(agent);
      say("alarm", agent, `${agent} was replaced ${maxReplacements} times, and is not replaced again`);
      return;
    }
    const described = conductor.pipeline.agents.find(({ name }) => name === agent);
    if (!described) return;
    const { assignment } =
      conductor.options.records.file.get<{ assignment: Record<string, string> }>("placement", "now") ?? {};
    const successor = await conductor.wrap(described, assignment?.[agent] ?? convicted.site);
    say("info", agent, `${successor.folder} takes the place of ${folder}, with new keys`);
    await conductor.attestOne(agent);
    const thread = threadOf(successor);
    const input = { agent, before: convicted.did ?? "", now: successor.did ?? "" };
    await conductor.options.self.record({ act: "agent.replace", thread, key: `${thread} replace`, input });
    await this.#giveKeys();
    say("info", agent, `${successor.folder} is attested and has its keys`);
  }

  async #lookForAlarms(): Promise<void> {
    const { conductor, say } = this.#options;
    const reused = await conductor.options.attestation.reusedTickets();
    if (reused > this.#reusedTickets) {
      say("alarm", "attestation", "credentials that were handed over once were used a second time, by somebody else");
    }
    this.#reusedTickets = reused;
  }

  /** Does something for an agent when nothing else is done for it. What fails is tried again by a later look. */
  #whileFree(agent: string, work: () => Promise<void>): void {
    const before = this.#busy.get(agent) ?? Promise.resolve();
    const task = before
      .then(() => (this.#options.stop.aborted ? undefined : work()))
      .catch((error: unknown) => this.#note(agent, error))
      .finally(() => {
        if (this.#busy.get(agent) === task) this.#busy.delete(agent);
      });
    this.#busy.set(agent, task);
  }

  async #without(subject: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#troubles.delete(subject);
    } catch (error) {
      this.#note(subject, error);
    }
  }

  /** A trouble is told once. What may pass by itself, as while the chain is started again, is told only when it does not. */
  #note(subject: string, error: unknown): void {
    const { say, stop } = this.#options;
    const text = isAffiantError(error) ? `${error.message} (${error.code})` : String(error);
    // Who is found wanting is told of by what the chain says of it.
    if (stop.aborted || isFoundWanting(error)) return;
    const known = this.#troubles.get(subject);
    const trouble = known?.text === text ? known : { text, sinceMs: Date.now(), told: false };
    this.#troubles.set(subject, trouble);
    const passing = isAffiantError(error) && error.retryable && Date.now() - trouble.sinceMs < patienceMs;
    if (trouble.told || passing) return;
    trouble.told = true;
    say("alarm", subject, `${subject}: ${text}`);
  }
}

/**
 * Who was verified by nobody but an agent that was convicted since lost its trust with it; and who was being attested when
 * that failed is still owed it. Neither has done anything wrong.
 */
function isOwedAttestation(status: AgentStanding["status"], { state }: Incumbent): boolean {
  if (status === "suspect" || status === "expired") return state === "attested" || state === "wrapped";
  return status === "trusted" && state === "wrapped";
}

/** Something that goes wrong again and again. */
interface Trouble {
  readonly text: string;
  readonly sinceMs: number;
  told: boolean;
}

/** After so long people are told of what was thought to pass. */
const patienceMs = 20_000;
