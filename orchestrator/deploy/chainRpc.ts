import { setTimeout as sleep } from "node:timers/promises";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

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

/** Public endpoints say "not now" in many ways; these two are JSON-RPC's. */
const limitCodes: readonly number[] = [-32005, -32097];

/**
 * A JSON-RPC endpoint over HTTP that may lose requests and answers. Repeating is safe: nothing here makes a node sign, and
 * the same signed bytes are one transaction however often they arrive.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN when the endpoint gives no answer; the URL, which may carry an access token, is
 *   not part of the message. RpcError for what the node itself refuses.
 */
export function chainRpcAt(url: string, options: ChainRpcOptions = {}): Eip1193 {
  const { attempts = 8, retryMs = 250, timeoutMs = 20_000 } = options;
  let id = 0;
  return {
    request: async ({ method, params = [] }) => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params });
      for (let attempt = 1; ; attempt++) {
        try {
          return await ask(url, body, timeoutMs);
        } catch (cause) {
          if (cause instanceof RpcError && !limitCodes.includes(cause.code)) throw cause;
          if (attempt === attempts) {
            throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain's endpoint does not answer ${method}`, {
              cause,
            });
          }
        }
        await sleep(retryMs * 2 ** Math.min(attempt - 1, 4));
      }
    },
  };
}

async function ask(url: string, body: string, timeoutMs: number): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(timeoutMs) });
  const answer = (await response.json()) as {
    result?: unknown;
    error?: { message?: string; code?: number; data?: unknown };
  };
  if (answer.error) throw new RpcError(answer.error.message ?? "", answer.error.code ?? 0, answer.error.data);
  if (!response.ok || !("result" in answer)) throw new Error(`HTTP ${response.status}`);
  return answer.result;
}
