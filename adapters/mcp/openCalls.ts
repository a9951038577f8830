import type { Json } from "../../protocol/json/canonical.ts";
import { isObject, type JsonObject, type McpMessage } from "./readMessage.ts";
import type { OpenCall, TiedCalls } from "./tiedCalls.ts";

/** What a server's message means for calls. */
export interface Meaning {
  /** The call whose outcome it tells. */
  readonly settled?: { readonly call: OpenCall; readonly outcome: Json; readonly note?: JsonObject };
  /** Calls whose outcome nothing will tell any more. */
  readonly lost?: readonly OpenCall[];
}

const nothing: Meaning = {};
const finalWithoutResult: ReadonlySet<unknown> = new Set(["cancelled", "failed"]);
/** Of 2025-11-25, and of the tasks extension of 2026-07-28. */
const taskNotifications: ReadonlySet<string> = new Set(["notifications/tasks/status", "notifications/tasks"]);
const taskRequests: ReadonlySet<string> = new Set(["tasks/result", "tasks/get", "tasks/cancel"]);

/**
 * Which messages belong to which call: by the request's id; by the task that a call became; by the state that a client sends
 * back when a call wanted more input.
 */
export class OpenCalls {
  readonly #tied: TiedCalls;
  readonly #byRequest = new Map<string, OpenCall>();
  /** Requests about a task: their answer may be its outcome. */
  readonly #aboutTask = new Map<string, { readonly taskId: string; readonly method: string }>();

  constructor(tied: TiedCalls) {
    this.#tied = tied;
  }

  get size(): number {
    return this.#byRequest.size;
  }

  has(requestId: string): boolean {
    return this.#byRequest.has(requestId);
  }

  opened(requestId: string, call: OpenCall): void {
    this.#byRequest.set(requestId, call);
  }

  /** The call of a request that gets no answer. */
  taken(requestId: string): OpenCall | undefined {
    const call = this.#byRequest.get(requestId);
    this.#byRequest.delete(requestId);
    this.#aboutTask.delete(requestId);
    return call;
  }

  /** A client asks for a task. */
  asked({ method = "", params, id }: McpMessage): void {
    const taskId = params?.["taskId"];
    if (!taskRequests.has(method) || id === undefined || typeof taskId !== "string") return;
    if (this.#tied.hasTask(taskId)) this.#aboutTask.set(id, { taskId, method });
  }

  /** What a response says of calls. */
  answered(message: McpMessage): Meaning {
    const id = message.id as string;
    const outcome = message.outcome ?? null;
    const asked = this.#aboutTask.get(id);
    const call = this.taken(id);
    if (call !== undefined) return this.#first(call, outcome);
    if (asked === undefined) return nothing;
    // The answer to tasks/result is what the call itself would have given. Any other tells of the task.
    const final = asked.method === "tasks/result" ? outcome : outcomeOfTask(outcome);
    return final === undefined ? nothing : this.#ofTask(asked.taskId, final);
  }

  /** A server tells of a task without being asked. */
  notified({ method = "", params }: McpMessage): Meaning {
    const taskId = params?.["taskId"];
    if (!taskNotifications.has(method) || typeof taskId !== "string") return nothing;
    const outcome = outcomeOfTask(params ?? {});
    return outcome === undefined ? nothing : this.#ofTask(taskId, outcome);
  }

  /** Calls whose outcome never came. */
  left(): readonly OpenCall[] {
    const calls = [...this.#byRequest.values()];
    this.#byRequest.clear();
    return calls;
  }

  #first(call: OpenCall, outcome: Json): Meaning {
    const taskId = taskIdOf(outcome);
    if (taskId !== undefined) return { lost: this.#tied.becameTask(taskId, call) };
    if (isObject(outcome) && outcome["resultType"] === "input_required") {
      return { lost: this.#tied.wantsInput(outcome, call) };
    }
    return { settled: { call, outcome } };
  }

  #ofTask(taskId: string, outcome: Json): Meaning {
    const call = this.#tied.takeTask(taskId);
    return call === undefined ? nothing : { settled: { call, outcome, note: { taskId } } };
  }
}

function taskIdOf(outcome: Json): string | undefined {
  if (!isObject(outcome)) return undefined;
  const task = isObject(outcome["task"]) ? outcome["task"] : outcome["resultType"] === "task" ? outcome : undefined;
  return typeof task?.["taskId"] === "string" ? task["taskId"] : undefined;
}

/** What came of a task, where its status says it: it holds the result or the error, or says that there will be none. */
function outcomeOfTask(said: Json): Json | undefined {
  if (!isObject(said)) return undefined;
  // In 2025-11-25 the task stands inside of some answers.
  const task = isObject(said["task"]) ? said["task"] : said;
  const { status, result, error } = task;
  if (typeof status !== "string") return undefined;
  if (result !== undefined) return result;
  if (error !== undefined) return { error };
  return finalWithoutResult.has(status) ? task : undefined;
}
