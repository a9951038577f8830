import { expect } from "chai";

import { RpcError } from "../../../protocol/jsonRpc/rpcError.ts";

/** `UnknownLog(bytes32)` cut short: four bytes of a selector and more. */
const data = `0x08c379a0${"00".repeat(32)}`;

describe("protocol/jsonRpc/rpcError", () => {
  const rows: readonly (readonly [kind: string, code: number, message: string, data?: unknown])[] = [
    ["revert", 3, "execution reverted: no", data],
    ["revert", -32603, "VM Exception while processing transaction: reverted with custom error", { message: "", data }],
    ["revert", -32015, "VM execution error.", `Reverted ${data}`],
    ["revert", -32000, "Execution reverted", data],
    ["failed", -32000, "execution reverted"],
    ["failed", 3, "execution reverted", "0x08c3"],
    ["failed", -32003, "EVM error OutOfGas"],
    ["later", 429, "Your app has exceeded its compute units per second capacity."],
    ["later", -32005, "daily request count exceeded, request rate limited"],
    ["later", -32005, "the call may revert: rate limit", data],
    ["later", -32016, "over rate limit", data],
    ["later", -32002, "project ID does not have access to this network"],
    ["later", -32603, "Internal error"],
    ["refused", -32000, "header not found"],
    ["refused", -32000, "missing trie node 9a7e (path )"],
    ["refused", -32000, "nonce too low"],
    ["refused", -32000, "exceeds block gas limit"],
    ["fewer", -32600, "batch not supported"],
    ["fewer", 31, "Batch of more than 3 requests are not allowed on free tier"],
    ["narrower", -32602, "range exceeds limit of 100"],
    ["narrower", -32005, "query returned more than 10000 results"],
    ["narrower", -32600, "You can make eth_getLogs requests with up to a 10 block range."],
  ];
  for (const [kind, code, message, given] of rows) {
    it(`${kind}: ${code} ${message}${given === undefined ? "" : " with data"}`, () => {
      expect(new RpcError(code, message, given).kind).to.equal(kind);
    });
  }
});
