/** What endpoints say instead of an answer: phrases and codes of real providers, and what breaks on the way. */

export interface RpcRequest {
  readonly jsonrpc: string;
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What came of one request at the chain itself. */
export interface RpcReply {
  readonly jsonrpc: string;
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** `one` takes the place of one answer, in a batch too; `whole` takes the place of the whole response. */
export type FaultKind =
  { readonly one: (request: RpcRequest, reply: RpcReply) => RpcReply } | { readonly whole: Whole };

export type Whole =
  "cut" | "truncate" | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string };

const error = (code: number, message: string, data?: unknown): FaultKind => ({
  one: ({ jsonrpc, id }) => ({ jsonrpc, id, error: data === undefined ? { code, message } : { code, message, data } }),
});
const result = (value: unknown): FaultKind => ({ one: ({ jsonrpc, id }) => ({ jsonrpc, id, result: value }) });
const json = { "content-type": "application/json" };

/** Inside HTTP 200: limits. */
const limits: Readonly<Record<string, FaultKind>> = {
  "429 in the body": error(429, "Your app has exceeded its compute units per second capacity."),
  "-32005 rate": error(-32005, "project ID request rate exceeded", { rate: { allowed_rps: 1, current_rps: 2 } }),
  "-32005 day": error(-32005, "daily request count exceeded, request rate limited"),
  "-32005 bare": error(-32005, "limit exceeded"),
  "-32016": error(-32016, "over rate limit"),
  "-32097": error(-32097, "quota exceeded"),
  "-32029": error(-32029, "Too Many Requests"),
  "project ID": error(-32002, "project ID does not have access to this network"),
  "key not allowed": error(-32600, "This API key is not allowed to make this request"),
  // A proxy that quotes: no contract was asked.
  "limit with hex beside it": error(-32005, "rate limit: eth_call that may revert", "0x08c379a0"),
};

/** Inside HTTP 200: a node that does not have what it takes. */
const states: Readonly<Record<string, FaultKind>> = {
  "-32603": error(-32603, "Internal error"),
  "header not found": error(-32000, "header not found"),
  "missing trie node": error(-32000, "missing trie node 9a7e (path ) state 0x9a7e is not available"),
  "pruned history": error(4444, "pruned history unavailable"),
  "pruned state": error(-32000, "required historical state unavailable (reexec=128)"),
  "no such method": error(-32601, "the method eth_call does not exist/is not available"),
  "timed out": error(-32000, "execution aborted (timeout = 5s)"),
  "reverted, without data": error(-32000, "execution reverted"),
  "out of gas": error(-32003, "EVM error OutOfGas"),
  "error as text": { one: ({ jsonrpc, id }) => ({ jsonrpc, id, error: "upstream request failed" }) },
};

/** A result that is none. */
const forms: Readonly<Record<string, FaultKind>> = {
  "null result": result(null),
  "empty 0x": result("0x"),
  "half a word": result("0x000"),
  "an object": result({}),
  "no result at all": { one: ({ jsonrpc, id }) => ({ jsonrpc, id }) },
  "wrong id": { one: (request, reply) => ({ ...reply, id: request.id + 1_000_000 }) },
  "no id": { one: (_request, reply) => ({ ...reply, id: null }) },
};

/** The response as a whole. */
const transports: Readonly<Record<string, FaultKind>> = {
  "HTTP 429": { whole: { status: 429, headers: json, body: `{"error":"Too many requests"}` } },
  "HTTP 429 with Retry-After": { whole: { status: 429, headers: { "retry-after": "1" }, body: "slow down" } },
  "HTTP 429 in words of JSON-RPC": {
    whole: { status: 429, headers: json, body: `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}` },
  },
  "HTML 502": { whole: { status: 502, headers: { "content-type": "text/html" }, body: "<html>bad gateway</html>" } },
  "HTML 200": { whole: { status: 200, headers: { "content-type": "text/html" }, body: "<html>maintenance</html>" } },
  "HTTP 401": { whole: { status: 401, headers: json, body: `{"message":"Unauthorized"}` } },
  "empty body": { whole: { status: 200, headers: json, body: "" } },
  "truncated JSON": { whole: "truncate" },
  "closed socket": { whole: "cut" },
};

export const faultKinds: Readonly<Record<string, FaultKind>> = { ...limits, ...states, ...forms, ...transports };
