import { setTimeout as sleep } from "node:timers/promises";

import type { Agent } from "../../../agent/agent.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import type { CompiledPolicy } from "../../../protocol/policy/compile.ts";
import { refusalByPolicy } from "./policyGuard.ts";
import type { Step, StepCall, Trade } from "./step.ts";
import type { Workbook } from "./workbook.ts";

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
    for (const step of steps) await this.putOnRecord(step);
    return steps.length;
  }

  /** Takes a step, or gives back the one that was taken when the same was asked before. */
  take(trade: Trade, orderId: string, input: Json): Promise<Step> {
    return this.#inTurn(async () => {
      const step = this.stepOf(trade, orderId) ?? (await this.#decide(trade, orderId, input, null));
      return this.putOnRecord(step);
    });
  }

  /**
   * Decides a step that a call asks for, and leaves it to the caller of this to put it on record.
   * @returns undefined if the step was taken before: another call must not count as the same act
   */
  decide(trade: Trade, orderId: string, input: Json, call: StepCall): Promise<Step | undefined> {
    return this.#inTurn(async () =>
      this.stepOf(trade, orderId) ? undefined : this.#decide(trade, orderId, input, call),
    );
  }

  stepOf(trade: Trade, orderId: string): Step | undefined {
    return this.workbook.step(`${orderId}/${trade.act}`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #decide(trade: Trade, orderId: string, input: Json, call: StepCall | null): Promise<Step> {
    const key = `${orderId}/${trade.act}`;
    await this.#judge(trade, { key, orderId, act: trade.act, input, call });
    const decided = this.workbook.step(key);
    if (!decided) throw new Error(`the step ${key} was stored and is not there`);
    return decided;
  }

  async #judge(trade: Trade, asked: Pick<Step, "key" | "orderId" | "act" | "input" | "call">): Promise<void> {
    const refuse = (output: Json) => this.workbook.decide({ ...asked, kind: "refusal", output }, () => undefined);
    const plan = await trade.plan(asked.input);
    if ("refuse" in plan) return refuse({ reason: plan.refuse });
    const step = { ...asked, kind: "act", output: plan.output } as const;
    const forbidden = await refusalByPolicy(this.#policy, this.agent.did, step, this.workbook.stepsOf(asked.orderId));
    if (forbidden) return refuse({ ...forbidden });
    this.workbook.decide(step, plan.change ?? (() => undefined));
  }

  async putOnRecord(step: Step): Promise<Step> {
    if (step.entryId !== null) return step;
    const { context, ctr, decidedAtSec } = step.call ?? {};
    const { entryId } = await this.record({
      act: step.act,
      kind: step.kind,
      input: step.input,
      output: step.output,
      thread: step.orderId,
      idempotencyKey: step.key,
      ...(context === undefined ? {} : { context }),
      ...(ctr === undefined || ctr === null ? {} : { ctr }),
      ...(decidedAtSec === undefined ? {} : { iat: decidedAtSec }),
    });
    this.workbook.markRecorded(step.key, entryId);
    return { ...step, entryId };
  }

  /** Waits as long as the relayer or the chain is away: what happened must get on record. */
  async record(act: Act): Promise<{ readonly entryId: string }> {
    for (;;) {
      try {
        return await this.agent.record(act);
      } catch (error) {
        if (!isAffiantError(error) || !error.retryable) throw error;
        await sleep(500, undefined, { signal: this.#stop });
      }
    }
  }
}
