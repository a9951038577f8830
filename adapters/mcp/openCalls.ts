import { isDeepStrictEqual } from "node:util";

import type { Json } from "../../protocol/json/canonical.ts";
import type { Claim } from "../acts/actLedger.ts";
import { isObject, type JsonObject, type McpMessage } from "./readMessage.ts";

/** A call that a server has, and that waits for its outcome. */
export interface OpenCall {
  readonly claim: Claim;
  readonly tool: string;
  /** What was asked, so that a retry can be held to it. */
  readonly args: Json;
}

/** What a server's message means for a call. */
export type Meaning =
  | { readonly kind: "outcome"; readonly call: OpenCall; readonly outcome: Json; readonly note?: JsonObject }
  | { readonly kind: "later"; readonly call: OpenCall };

const finalWithoutResult: ReadonlySet<unknown> = new Set(["cancelled", "failed"]);

/**
 * Which messages belong to which call: by the request's id; by the task that a call became (tasks of 2025-11-25, and of the
 * extension of 2026-07-28); by the state that a client sends back when a call wanted more input (2026-07-28).
 */
export class OpenCalls {
  readonly #byRequest = new Map<string, OpenCall>();
  readonly #byTask = new Map<string, OpenCall>();
  readonly #byState = new Map<string, OpenCall>();
  /** Requests about a task: their answer may be its outcome. */
  readonly #taskOfRequest = new Map<string, string>();

  has(requestId: string): boolean {
    return this.#byRequest.has(requestId);
  }

  opened(requestId: string, call: OpenCall): void {
    this.#byRequest.set(requestId, call);
  }

  /**
   * The call that a retry goes on with: one act, however many rounds it takes. Each state serves once, and only for the very
   * call that was given it: with another tool or other arguments it is a call of its own, and is judged.
   */
  continued(params: JsonObject, tool: string, args: Json): OpenCall | undefined {
    const key = stateKey(params);
    const call = key === undefined ? undefined : this.#byState.get(key);
    if (key === undefined || call?.tool !== tool || !isDeepStrictEqual(call.args, args)) return undefined;
    this.#byState.delete(key);
    return call;
  }

  /** A client asks for a task. */
  asked(message: McpMessage): void {
    const taskId = message.params?.["taskId"];
    const isAboutTask = message.method === "tasks/result" || message.method === "tasks/get";
    if (isAboutTask && message.id !== undefined && typeof taskId === "string" && this.#byTask.has(taskId)) {
      this.#taskOfRequest.set(message.id, taskId);
    }
  }

  /** What a response says of a call; undefined for one that says nothing of any. */
  answered(message: McpMessage): Meaning | undefined {
    const id = message.id as string;
    const call = this.#byRequest.get(id);
    if (call !== undefined) {
      this.#byRequest.delete(id);
      return this.#first(call, message.outcome ?? null);
    }
    const taskId = this.#taskOfRequest.get(id);
    if (taskId === undefined) return undefined;
    this.#taskOfRequest.delete(id);
    return this.#ofTask(taskId, message.outcome ?? null, true);
  }

  /** A server tells of a task without being asked. */
  notified(message: McpMessage): Meaning | undefined {
    const taskId = message.params?.["taskId"];
    if (message.method !== "notifications/tasks/status" || typeof taskId !== "string") return undefined;
    return this.#ofTask(taskId, message.params ?? {}, false);
  }

  /** Calls whose outcome never came. */
  *left(): Generator<OpenCall> {
    for (const calls of [this.#byRequest, this.#byTask, this.#byState]) {
      yield* calls.values();
      calls.clear();
    }
  }

  #first(call: OpenCall, outcome: Json): Meaning {
    const taskId = taskIdOf(outcome);
    if (taskId !== undefined) {
      this.#byTask.set(taskId, call);
      return { kind: "later", call };
    }
    const key = isObject(outcome) && outcome["resultType"] === "input_required" ? stateKey(outcome) : undefined;
    if (key === undefined) return { kind: "outcome", call, outcome };
    this.#byState.set(key, call);
    return { kind: "later", call };
  }

  #ofTask(taskId: string, said: Json, isAnswer: boolean): Meaning | undefined {
    const call = this.#byTask.get(taskId);
    if (call === undefined) return undefined;
    const outcome = outcomeOfTask(said, isAnswer);
    if (outcome === undefined) return undefined;
    this.#byTask.delete(taskId);
    return { kind: "outcome", call, outcome, note: { taskId } };
  }
}

function taskIdOf(outcome: Json): string | undefined {
  if (!isObject(outcome)) return undefined;
  const task = isObject(outcome["task"]) ? outcome["task"] : outcome["resultType"] === "task" ? outcome : undefined;
  return typeof task?.["taskId"] === "string" ? task["taskId"] : undefined;
}

/**
 * What came of a task, where a message says it: the answer to `tasks/result` is the call's result itself; a status holds it
 * (`result`, `error`), or says that there will be none.
 */
function outcomeOfTask(said: Json, isAnswer: boolean): Json | undefined {
  if (!isObject(said)) return said;
  const { status, result, error } = said;
  if (typeof status !== "string") return isAnswer ? said : undefined;
  if (result !== undefined) return result;
  if (error !== undefined) return { error };
  return finalWithoutResult.has(status) ? said : undefined;
}

/** The state that goes to the client and comes back, and where there is none, nothing to tell two calls apart by. */
function stateKey(holder: JsonObject): string | undefined {
  const state = holder["requestState"];
  return state === undefined ? undefined : JSON.stringify(state);
}
