import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** Calls one JSON-RPC method. @throws AffiantError ERR_UNAVAILABLE_CHAIN if there is no answer, or an error for one */
export type JsonRpc = (method: string, ...params: readonly unknown[]) => Promise<unknown>;

export function jsonRpcAt(url: string, timeoutMs = 10_000): JsonRpc {
  let id = 0;
  return async (method, ...params) => {
    let body: { result?: unknown; error?: { message?: string } };
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      body = (await response.json()) as typeof body;
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `no answer from the chain at ${url}`, { cause });
    }
    if (body.error)
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain refuses ${method}: ${body.error.message}`);
    return body.result;
  };
}
