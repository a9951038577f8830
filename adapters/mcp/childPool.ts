import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { MessagePort } from "./messagePort.ts";
import { isBad, isObject, type JsonObject, type McpMessage, readMcpMessage } from "./readMessage.ts";
import { progressTokenOf } from "./versions.ts";

/** A child, and who waits for it. */
interface Child {
  readonly port: MessagePort;
  /** By the request's id. Of a client that gave up, until the answer: its id is not free before. */
  readonly byRequest: Map<string, Lease>;
  readonly byToken: Map<string, Lease>;
  readonly tasks: Set<string>;
}

const subscriptionKey = "io.modelcontextprotocol/subscriptionId";
const maxTasksPerChild = 10_000;

/**
 * Servers on stdio for requests of the stateless revisions, which belong to no session: one child serves all clients. Clients
 * number their requests alike; where two use one id, or one progress token, at the same time, another child is started, so that
 * no message has to be changed. A request about a task goes to the child that has it. A child that ends is started again.
 */
export class ChildPool {
  readonly #open: () => Promise<MessagePort>;
  readonly #maxChildren: number;
  readonly #children: Child[] = [];
  #opening: Promise<unknown> = Promise.resolve();
  readonly #onProblem: (problem: unknown) => void;

  constructor(open: () => Promise<MessagePort>, maxChildren: number, onProblem: (problem: unknown) => void) {
    this.#open = open;
    this.#maxChildren = maxChildren;
    this.#onProblem = onProblem;
  }

  /** A connection for one request. @throws AffiantError ERR_UNAVAILABLE_MCP */
  lease(request: McpMessage): Promise<MessagePort> {
    // One after the other: two at once would start a child each.
    const leased = this.#opening.then(() => this.#lease(request));
    this.#opening = leased.catch(() => undefined);
    return leased;
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.splice(0).map(({ port }) => port.close()));
  }

  async #lease(request: McpMessage): Promise<MessagePort> {
    const id = request.id as string;
    const token = progressTokenOf(request.params);
    const taskId = request.params?.["taskId"];
    const isFree = ({ byRequest, byToken }: Child): boolean =>
      !byRequest.has(id) && (token === undefined || !byToken.has(token));
    const withTask = typeof taskId === "string" ? this.#children.find(({ tasks }) => tasks.has(taskId)) : undefined;
    if (withTask !== undefined && !isFree(withTask)) {
      throw new AffiantError(
        "ERR_UNAVAILABLE_MCP",
        "a request under this id is still open at the server that has the task",
      );
    }
    const child = withTask ?? this.#children.find(isFree) ?? (await this.#start());
    const lease: Lease = new Lease(child.port, id, () => child.byRequest.get(id) === lease);
    child.byRequest.set(id, lease);
    if (token !== undefined) child.byToken.set(token, lease);
    return lease;
  }

  async #start(): Promise<Child> {
    if (this.#children.length >= this.#maxChildren) await this.#retire();
    if (this.#children.length >= this.#maxChildren) {
      throw new AffiantError("ERR_UNAVAILABLE_MCP", `${this.#maxChildren} servers are at work already`);
    }
    const port = await this.#open();
    const child: Child = { port, byRequest: new Map(), byToken: new Map(), tasks: new Set() };
    port.onText = (text) => this.#said(child, text);
    port.onProblem = this.#onProblem;
    port.onClose = () => {
      const at = this.#children.indexOf(child);
      if (at >= 0) this.#children.splice(at, 1);
      const leases = [...child.byRequest.values()];
      child.byRequest.clear();
      for (const lease of leases) lease.ended();
    };
    this.#children.push(child);
    await port.start();
    return child;
  }

  /** Ends a child that only has requests which their clients gave up: it may never answer them, and their ids stay taken. */
  async #retire(): Promise<void> {
    const idle = this.#children.find(
      ({ byRequest, tasks }) => tasks.size === 0 && [...byRequest.values()].every(({ isGivenUp }) => isGivenUp),
    );
    await idle?.port.close();
  }

  #said(child: Child, text: string): void {
    const message = readMcpMessage(text);
    const lease = leaseOf(child, message);
    if (lease === undefined) {
      this.#onProblem(new Error("the server said something that belongs to no request"));
      return;
    }
    if (isBad(message) || message.kind === "response") {
      for (const [token, holder] of child.byToken) if (holder === lease) child.byToken.delete(token);
      child.byRequest.delete(lease.requestId);
      if (!isBad(message)) keepTask(child, message.outcome ?? null);
    }
    lease.onText?.(text);
  }
}

/** One request's share of a child. */
class Lease implements MessagePort {
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  readonly requestId: string;
  /** Its client went away before the answer. */
  isGivenUp = false;
  readonly #port: MessagePort;
  readonly #isOpen: () => boolean;
  #isSent = false;
  #isOver = false;

  constructor(port: MessagePort, requestId: string, isOpen: () => boolean) {
    this.#port = port;
    this.requestId = requestId;
    this.#isOpen = isOpen;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async send(text: string): Promise<void> {
    if (this.#isOver) throw new AffiantError("ERR_UNAVAILABLE_MCP", "the server has ended");
    this.#isSent = true;
    await this.#port.send(text);
  }

  async close(): Promise<void> {
    this.onText = undefined;
    if (this.#isOver || this.isGivenUp || !this.#isOpen()) return;
    this.isGivenUp = true;
    if (!this.#isSent) return;
    const params = `{"requestId":${this.requestId}}`;
    await this.#port.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`);
  }

  ended(): void {
    this.#isOver = true;
    this.onClose?.();
  }
}

function leaseOf(child: Child, message: ReturnType<typeof readMcpMessage>): Lease | undefined {
  if (isBad(message)) return message.id === undefined ? undefined : child.byRequest.get(message.id);
  if (message.kind === "response") return child.byRequest.get(message.id as string);
  const { params } = message;
  const subscription = metaOf(params, subscriptionKey) ?? params?.["requestId"];
  if (subscription !== undefined) return child.byRequest.get(JSON.stringify(subscription));
  const token = params?.["progressToken"];
  if (token !== undefined) return child.byToken.get(JSON.stringify(token));
  // A log message says of no request that it belongs to it: with one request there is no question.
  const [only, another] = child.byRequest.values();
  return another === undefined ? only : undefined;
}

function metaOf(params: JsonObject | undefined, key: string): Json | undefined {
  const meta = params?.["_meta"];
  return isObject(meta) ? meta[key] : undefined;
}

function keepTask({ tasks }: Child, outcome: Json): void {
  const isTask = isObject(outcome) && outcome["resultType"] === "task" && typeof outcome["taskId"] === "string";
  if (isTask && tasks.size < maxTasksPerChild) tasks.add(outcome["taskId"] as string);
}
