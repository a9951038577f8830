import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { FaultKind, RpcReply, RpcRequest, Whole } from "./kinds.ts";

/** Which requests are met by a fault, and which fault. */
export interface FaultPlan {
  readonly hits: (request: RpcRequest) => boolean;
  readonly kind: FaultKind;
  /** So many hits are met, then the endpoint is well; default: all of them. */
  readonly times?: number;
}

/** What an endpoint takes, beside its faults. */
export interface EndpointLimits {
  /** Requests in a batch; 1 = no batches at all. */
  readonly batch?: number;
  /** Blocks in a range of logs. */
  readonly logRange?: number;
  /** How the refusal of a batch is said. */
  readonly batchRefusal?: { readonly status: number; readonly code: number; readonly message: string };
  readonly rangeRefusal?: { readonly code: number; readonly message: string };
}

/**
 * A JSON-RPC endpoint before a chain that keeps its answers back as it is told: by method, by the selector of the function
 * that is called, by contract. What is not hit is answered by the chain itself.
 */
export class FaultEndpoint {
  readonly #server: Server;
  readonly #chain: (requests: readonly RpcRequest[]) => Promise<readonly RpcReply[]>;
  #plan: FaultPlan | undefined;
  #limits: EndpointLimits = {};
  /** How often the plan met a request. */
  hits = 0;
  /** Every request that came, in order. */
  readonly seen: RpcRequest[] = [];
  /** Lengths of the batches that came; a single request counts 1. */
  readonly batches: number[] = [];

  private constructor(chain: (requests: readonly RpcRequest[]) => Promise<readonly RpcReply[]>) {
    this.#chain = chain;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => void this.#serve(Buffer.concat(chunks).toString(), response));
    });
  }

  /** @param chain its own endpoint, or a script that answers one request */
  static async before(chain: string | ((request: RpcRequest) => RpcReply)): Promise<FaultEndpoint> {
    const endpoint = new FaultEndpoint((requests) => {
      return typeof chain === "string" ? forward(chain, requests) : Promise.resolve(requests.map(chain));
    });
    endpoint.#server.listen(0, "127.0.0.1");
    await once(endpoint.#server, "listening");
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on. Undefined: answers everything. */
  plan(plan: FaultPlan | undefined, limits: EndpointLimits = {}): void {
    this.#plan = plan;
    this.#limits = limits;
    this.hits = 0;
    this.seen.length = 0;
    this.batches.length = 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(body: string, response: ServerResponse): Promise<void> {
    const parsed = JSON.parse(body) as RpcRequest | readonly RpcRequest[];
    const requests: readonly RpcRequest[] = Array.isArray(parsed)
      ? (parsed as readonly RpcRequest[])
      : [parsed as RpcRequest];
    this.seen.push(...requests);
    this.batches.push(requests.length);
    const { batch = Infinity, batchRefusal } = this.#limits;
    if (Array.isArray(parsed) && (batch === 1 || requests.length > batch)) {
      const { status, ...error } = batchRefusal ?? { status: 200, code: -32600, message: "batch not supported" };
      return send(response, status, JSON.stringify({ jsonrpc: "2.0", id: null, error }));
    }
    const met = requests.map((request) => this.#meets(request));
    const kind = this.#plan?.kind;
    const replies = await this.#chain(requests);
    if (kind && "whole" in kind && met.some(Boolean)) return breakUp(response, kind.whole, text(parsed, replies));
    const answers = replies.map((reply, i) => {
      const request = requests[i] as RpcRequest;
      if (this.#isTooWide(request)) {
        const { code, message } = this.#limits.rangeRefusal ?? { code: -32602, message: "range exceeds limit of 100" };
        return { jsonrpc: "2.0", id: request.id, error: { code, message } };
      }
      return met[i] && kind && "one" in kind ? kind.one(request, reply) : reply;
    });
    send(response, 200, text(parsed, answers));
  }

  #meets(request: RpcRequest): boolean {
    if (!this.#plan || this.hits >= (this.#plan.times ?? Infinity) || !this.#plan.hits(request)) return false;
    this.hits++;
    return true;
  }

  #isTooWide({ method, params }: RpcRequest): boolean {
    const { logRange = Infinity } = this.#limits;
    if (method !== "eth_getLogs") return false;
    const { blockHash, fromBlock, toBlock } = params[0] as Record<string, string | undefined>;
    return blockHash === undefined && Number(toBlock) - Number(fromBlock) + 1 > logRange;
  }
}

/** Requests that call a function, by its selector (`0x` and eight digits), at any contract or at one. */
export function calls(selector: string, to?: string) {
  return ({ method, params }: RpcRequest): boolean => {
    if (method !== "eth_call") return false;
    const call = params[0] as { to?: string; data?: string; input?: string };
    const isThere = to === undefined || call.to?.toLowerCase() === to.toLowerCase();
    return isThere && (call.data ?? call.input ?? "").startsWith(selector);
  };
}

export function asks(method: string) {
  return (request: RpcRequest): boolean => request.method === method;
}

/** What a request asks, in few words: the method, or the selector of the function that is called. */
export function questionIn({ method, params }: RpcRequest): string {
  if (method !== "eth_call") return method;
  const call = params[0] as { to?: string; data?: string; input?: string };
  return call.to === undefined ? "eth_call code" : `eth_call ${(call.data ?? call.input ?? "").slice(0, 10)}`;
}

async function forward(url: string, requests: readonly RpcRequest[]): Promise<readonly RpcReply[]> {
  // One by one: some test chains answer a batch in another order.
  return Promise.all(
    requests.map(async (request) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(request) });
      return (await response.json()) as RpcReply;
    }),
  );
}

function text(asked: RpcRequest | readonly RpcRequest[], replies: readonly RpcReply[]): string {
  return JSON.stringify(Array.isArray(asked) ? replies : replies[0]);
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(body);
}

function breakUp(response: ServerResponse, whole: Whole, body: string): void {
  if (whole === "cut") return void response.destroy();
  if (whole === "truncate") return send(response, 200, body.slice(0, Math.floor(body.length / 2)));
  response.writeHead(whole.status, whole.headers).end(whole.body);
}
