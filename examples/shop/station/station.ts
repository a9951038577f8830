import { setTimeout as sleep } from "node:timers/promises";

import { type Agent } from "../../../agent/agent.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { type Json } from "../../../protocol/json/canonical.ts";
import { type CompiledPolicy } from "../../../protocol/policy/compile.ts";
import { refusalByPolicy } from "./policyGuard.ts";
import { type Step, type Trade } from "./step.ts";
import { type Workbook } from "./workbook.ts";

/** What a station needs of its agent. */
export type Recorder = Pick<Agent, "did" | "record">;

/**
 * One agent at work: it decides a step, stores the decision, signs it into the log, and only then answers. Killed at any
 * point it goes on from its workbook: a decision is never made twice, and none stays off the record.
 */
export class Station {
  readonly agent: Recorder;
  readonly workbook: Workbook;
  readonly #policy: CompiledPolicy;
  readonly #stop: AbortSignal;
  /** Steps are taken one after the other: each may depend on the books as the last one left them. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(agent: Recorder, workbook: Workbook, policy: CompiledPolicy, stop: AbortSignal) {
    this.agent = agent;
    this.workbook = workbook;
    this.#policy = policy;
    this.#stop = stop;
  }

  /** Puts on record what a killed process had decided and not recorded. */
  async catchUp(): Promise<number> {
    const steps = this.workbook.unrecorded();
    for (const step of steps) await this.#record(step);
    return steps.length;
  }

  /** Takes a step, or gives back the one that was taken when the same was asked before. */
  take(trade: Trade, orderId: string, input: Json): Promise<Step> {
    const turn = this.#turn.then(() => this.#take(trade, orderId, input));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #take(trade: Trade, orderId: string, input: Json): Promise<Step> {
    const key = `${orderId}/${trade.act}`;
    const known = this.workbook.step(key);
    if (known) return known.entryId === null ? this.#record(known) : known;
    await this.#decide(trade, { key, orderId, act: trade.act, input });
    const decided = this.workbook.step(key);
    if (!decided) throw new Error(`the step ${key} was stored and is not there`);
    return this.#record(decided);
  }

  async #decide(trade: Trade, asked: Pick<Step, "key" | "orderId" | "act" | "input">): Promise<void> {
    const refuse = (output: Json) => this.workbook.decide({ ...asked, kind: "refusal", output }, () => undefined);
    const plan = trade.plan(asked.input);
    if ("refuse" in plan) return refuse({ reason: plan.refuse });
    const step = { ...asked, kind: "act", output: plan.output } as const;
    const forbidden = await refusalByPolicy(this.#policy, this.agent.did, step, this.workbook.stepsOf(asked.orderId));
    if (forbidden) return refuse({ ...forbidden });
    this.workbook.decide(step, plan.change ?? (() => undefined));
  }

  /** Waits as long as the relayer or the chain is away: the step is decided, and it must get on record. */
  async #record(step: Step): Promise<Step> {
    for (;;) {
      try {
        const { entryId } = await this.agent.record({
          act: step.act,
          kind: step.kind,
          input: step.input,
          output: step.output,
          thread: step.orderId,
          idempotencyKey: step.key,
        });
        this.workbook.markRecorded(step.key, entryId);
        return { ...step, entryId };
      } catch (error) {
        if (!isAffiantError(error) || !error.retryable) throw error;
        await sleep(500, undefined, { signal: this.#stop });
      }
    }
  }
}
