import { setTimeout as sleep } from "node:timers/promises";

import { JsonRpcClient } from "../../protocol/jsonRpc/jsonRpcClient.ts";

export { RpcError } from "../../protocol/jsonRpc/rpcError.ts";

const timeoutMs = 10_000;

/**
 * One JSON-RPC server over HTTP. Calls made in the same turn of the event loop travel as one batch: a hundred receipts
 * cost one round trip. A question is asked once: there may be other servers (`connectRpc`), and whoever asks has a patience
 * of its own.
 */
export class Endpoint {
  readonly #client: JsonRpcClient;

  constructor(url: string, batchLimit: number) {
    this.#client = new JsonRpcClient({
      post: async (body) => {
        const headers = { "content-type": "application/json" };
        const signal = AbortSignal.timeout(timeoutMs);
        const response = await fetch(url, { method: "POST", headers, body, signal });
        return {
          status: response.status,
          retryAfter: response.headers.get("retry-after"),
          text: await response.text(),
        };
      },
      pause: sleep,
      defer: setImmediate,
      attempts: 1,
      batchLimit,
    });
  }

  /**
   * @throws RpcError a contract's revert, code that did not run to its end, a transaction that is refused
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN for whatever is no answer, a limit of the server among it
   */
  call(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#client.call(method, params);
  }
}
