/** JSON-RPC 2.0, section 5.1. */
export const rpcCodes = {
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
} as const;

/** @param id as it stands in the request; none where it could not be made out */
export function rpcError(id: string | undefined, code: number, message: string, data?: unknown): string {
  const error = { code, message, ...(data === undefined ? {} : { data }) };
  return `{"jsonrpc":"2.0","id":${id ?? "null"},"error":${JSON.stringify(error)}}`;
}

/** @param id as it stands in the request */
export function rpcResult(id: string, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`;
}
