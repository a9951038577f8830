import { isDeepStrictEqual } from "node:util";

import type { Json } from "../../protocol/json/canonical.ts";
import type { Claim } from "../acts/actLedger.ts";
import { isObject, type JsonObject } from "./readMessage.ts";

/** A call that a server has, and that waits for its outcome. */
export interface OpenCall {
  readonly claim: Claim;
  readonly tool: string;
  /** What was asked, so that a retry can be held to it. */
  readonly args: Json;
}

/** A call that wanted more input, and what a retry must bring. */
interface Waiting {
  readonly call: OpenCall;
  /** The state that the server gave, as it stands in its text; undefined where it gave none. */
  readonly state: string | undefined;
  /** Names of the inputs that it asked for. */
  readonly asked: readonly string[];
}

/**
 * Calls that outlive their request: those that became a task, and those that wait for more input. Requests of one client, and of
 * the stateless revisions all requests of one client, share them.
 */
export class TiedCalls {
  readonly #byTask = new Map<string, OpenCall>();
  readonly #waiting = new Set<Waiting>();
  readonly #max: number;

  /** @param max more are not kept: the oldest is let go of, and its outcome is unknown */
  constructor(max = 10_000) {
    this.#max = max;
  }

  /** @returns calls that nothing will tell of any more */
  becameTask(taskId: string, call: OpenCall): readonly OpenCall[] {
    const before = this.#byTask.get(taskId);
    this.#byTask.delete(taskId);
    this.#byTask.set(taskId, call);
    const over = this.#byTask.size > this.#max ? firstOf(this.#byTask) : undefined;
    if (over !== undefined) this.#byTask.delete(over[0]);
    return [before, over?.[1]].filter((left) => left !== undefined);
  }

  hasTask(taskId: string): boolean {
    return this.#byTask.has(taskId);
  }

  /** The call that became this task, once. */
  takeTask(taskId: string): OpenCall | undefined {
    const call = this.#byTask.get(taskId);
    this.#byTask.delete(taskId);
    return call;
  }

  /** @returns calls that nothing will tell of any more */
  wantsInput(outcome: JsonObject, call: OpenCall): readonly OpenCall[] {
    const { requestState, inputRequests } = outcome;
    const state = requestState === undefined ? undefined : JSON.stringify(requestState);
    this.#waiting.add({ call, state, asked: isObject(inputRequests) ? Object.keys(inputRequests) : [] });
    if (this.#waiting.size <= this.#max) return [];
    const [oldest] = this.#waiting as Set<Waiting> & Iterable<Waiting>;
    if (oldest === undefined) return [];
    this.#waiting.delete(oldest);
    return [oldest.call];
  }

  /**
   * The call that a retry goes on with: one act, however many rounds it takes. Each state serves once, and only for the very
   * call that was given it: with another tool or other arguments it is a call of its own, and is judged. Where the server gave
   * no state, the retry is told by the answers that it brings.
   */
  continued(params: JsonObject, tool: string, args: Json): OpenCall | undefined {
    const state = params["requestState"] === undefined ? undefined : JSON.stringify(params["requestState"]);
    const answers = params["inputResponses"];
    if (state === undefined && !isObject(answers)) return undefined;
    for (const waiting of this.#waiting) {
      const { call, asked } = waiting;
      if (waiting.state !== state || call.tool !== tool || !isDeepStrictEqual(call.args, args)) continue;
      if (state === undefined && !asked.some((name) => isObject(answers) && name in answers)) continue;
      this.#waiting.delete(waiting);
      return call;
    }
    return undefined;
  }

  /** All that are left, and none after this. */
  left(): readonly OpenCall[] {
    const calls = [...this.#byTask.values(), ...[...this.#waiting].map(({ call }) => call)];
    this.#byTask.clear();
    this.#waiting.clear();
    return calls;
  }
}

function firstOf<Key, Value>(map: ReadonlyMap<Key, Value>): readonly [Key, Value] | undefined {
  for (const entry of map) return entry;
  return undefined;
}
