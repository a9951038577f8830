import { setTimeout as sleep } from "node:timers/promises";

import { JsonRpcClient } from "../../protocol/jsonRpc/jsonRpcClient.ts";
import { RpcError as Refusal } from "../../protocol/jsonRpc/rpcError.ts";

/** An EIP-1193 provider, which is what Ignition talks to. Errors of the node carry its `code` and `data`. */
export interface Eip1193 {
  request(request: { readonly method: string; readonly params?: readonly unknown[] | object }): Promise<unknown>;
}

/** What a node answered instead of a result. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(message: string, code: number, data: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface ChainRpcOptions {
  /** How often a request is made before the endpoint counts as gone. */
  readonly attempts?: number;
  /** Pause after the first failure; it doubles up to sixteen times this. */
  readonly retryMs?: number;
  readonly timeoutMs?: number;
}

/**
 * A JSON-RPC endpoint over HTTP that may lose requests and answers. Repeating is safe: nothing here makes a node sign, and
 * the same signed bytes are one transaction however often they arrive.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN when the endpoint gives no answer (`JsonRpcClient` says what one is); the URL,
 *   which may carry an access token, is not part of the message. RpcError for a revert, and for what the node refuses to do.
 */
export function chainRpcAt(url: string, options: ChainRpcOptions = {}): Eip1193 {
  const { attempts = 8, retryMs = 250, timeoutMs = 20_000 } = options;
  const client = new JsonRpcClient({
    post: async (body) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(timeoutMs) });
      return { status: response.status, retryAfter: response.headers.get("retry-after"), text: await response.text() };
    },
    pause: sleep,
    defer: setImmediate,
    attempts,
    firstPauseMs: retryMs,
    maxPauseMs: retryMs * 16,
    batchLimit: 1,
  });
  return {
    request: async ({ method, params = [] }) => {
      try {
        return await client.call(method, params as readonly unknown[]);
      } catch (error) {
        // As EIP-1193 has it, and Ignition reads it.
        throw error instanceof Refusal ? new RpcError(error.message, error.rpcCode, error.data) : error;
      }
    },
  };
}
