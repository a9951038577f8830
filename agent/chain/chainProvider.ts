import { setTimeout as sleep } from "node:timers/promises";

import { JsonRpcProvider, Network } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { JsonRpcClient } from "../../protocol/jsonRpc/jsonRpcClient.ts";
import { RpcError } from "../../protocol/jsonRpc/rpcError.ts";

export interface ChainProviderOptions {
  readonly url: string;
  /** The only chain whose answers are taken. */
  readonly chainId: number;
  /** How often a question is asked at most; default 6. */
  readonly attempts?: number;
  readonly firstPauseMs?: number;
  readonly maxPauseMs?: number;
  /** Of one HTTP request; default 30,000. */
  readonly timeoutMs?: number;
  /** How often ethers looks for new blocks while it waits for something. */
  readonly pollingInterval?: number;
}

/**
 * ethers' provider, with our rule on what an answer is (`JsonRpcClient`). ethers takes every error of an `eth_call` for
 * the contract's (CALL_EXCEPTION), a limit of the endpoint too, keeps answers and failures for a quarter of a second, and
 * believes whatever chain answers. Here CALL_EXCEPTION of a read means revert data, nothing is kept, and the endpoint is
 * asked for its chain before anything else.
 */
export class ChainProvider extends JsonRpcProvider {
  readonly #client: JsonRpcClient;
  readonly #url: string;
  readonly #chainId: number;
  readonly #attempts: number;
  readonly #closing = new AbortController();
  #checked: Promise<void> | undefined;

  constructor(options: ChainProviderOptions) {
    const {
      url,
      chainId,
      attempts = 6,
      firstPauseMs,
      maxPauseMs,
      timeoutMs = 30_000,
      pollingInterval = 4_000,
    } = options;
    const network = Network.from(chainId);
    super(url, network, { staticNetwork: network, cacheTimeout: -1, pollingInterval });
    this.#url = url;
    this.#chainId = chainId;
    this.#attempts = attempts;
    const { signal } = this.#closing;
    this.#client = new JsonRpcClient({
      post: (body) => postJson(url, body, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])),
      // Half of a pause is random, so that many agents that lost one endpoint do not come back in step.
      pause: (ms) => sleep(ms * (0.5 + Math.random() / 2), undefined, { signal }),
      defer: setImmediate,
      attempts,
      firstPauseMs,
      maxPauseMs,
    });
    this._start();
  }

  /**
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN, ERR_CONFLICT_CHAIN if the endpoint is of another chain
   * @throws Error of ethers' code CALL_EXCEPTION for a revert, and its other codes for what a node refuses to carry
   */
  override async send(method: string, params: readonly unknown[] | Record<string, unknown>): Promise<unknown> {
    const list = Array.isArray(params) ? (params as readonly unknown[]) : Object.values(params);
    if (method !== "eth_chainId") await this.#checkChain();
    try {
      const result = await this.#client.call(method, list);
      return method === "eth_call" && result === "0x" ? await this.#emptyReturn(list) : result;
    } catch (error) {
      throw this.#inWords(method, list, error);
    }
  }

  override destroy(): void {
    super.destroy();
    this.#closing.abort();
  }

  /**
   * "Nothing" is what an account without code returns. From a contract it is no answer of any function that is read here:
   * nodes that lost a block's state say it too. What is sent, and is tried out first, may well return nothing.
   */
  async #emptyReturn(params: readonly unknown[]): Promise<unknown> {
    const [{ to, nonce }, tag] = params as [{ to?: unknown; nonce?: unknown }, unknown];
    const isTrial = nonce !== undefined;
    if (isTrial || typeof to !== "string" || (await this.#client.call("eth_getCode", [to, tag ?? "latest"])) === "0x")
      return "0x";
    for (let made = 1; made < this.#attempts; made++) {
      const again = await this.#client.call("eth_call", params);
      if (again !== "0x") return again;
    }
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the contract at ${to} returns nothing`);
  }

  #checkChain(): Promise<void> {
    this.#checked ??= this.#compareChain().catch((error: unknown) => {
      this.#checked = undefined;
      throw error;
    });
    return this.#checked;
  }

  async #compareChain(): Promise<void> {
    const found = Number(await this.send("eth_chainId", []));
    if (found === this.#chainId) return;
    throw new AffiantError("ERR_CONFLICT_CHAIN", `the endpoint serves chain ${found}, not ${this.#chainId}`, {
      hint: "Give the endpoint of the chain on which the contracts are.",
      details: { found, expected: this.#chainId },
    });
  }

  #inWords(method: string, params: readonly unknown[], error: unknown): unknown {
    if (!(error instanceof RpcError)) return this.#located(error);
    if (method === "eth_call" && error.kind !== "revert") return this.#unavailable(error.message, error);
    const { rpcCode: code, message, data } = error;
    const payload = { id: 0, jsonrpc: "2.0" as const, method, params: [...params] };
    return this.getRpcError(payload, { id: 0, error: { code, message, data: data ?? null } });
  }

  #located(error: unknown): unknown {
    return error instanceof AffiantError && error.code === "ERR_UNAVAILABLE_CHAIN"
      ? this.#unavailable(error.message, error)
      : error;
  }

  /** An endpoint's address may carry an access token: only its host is shown. */
  #unavailable(what: string, cause: unknown): AffiantError {
    const { host } = new URL(this.#url);
    return new AffiantError("ERR_UNAVAILABLE_CHAIN", `${host}: ${what}`, { cause });
  }
}

async function postJson(url: string, body: string, signal: AbortSignal) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body, signal });
  return { status: response.status, retryAfter: response.headers.get("retry-after"), text: await response.text() };
}
