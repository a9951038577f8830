import { expect } from "chai";

import { JsonRpcClient } from "../../../protocol/jsonRpc/jsonRpcClient.ts";
import { rejection } from "../../helpers/rejection.ts";

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** A client of an endpoint that is a function: of the requests of one HTTP request, to a body. */
function clientOf(endpoint: (requests: readonly Request[]) => unknown, batchLimit = 100) {
  const seen: (readonly Request[])[] = [];
  const client = new JsonRpcClient({
    post: (body) => {
      const parsed = JSON.parse(body) as Request | readonly Request[];
      const requests = [parsed].flat() as readonly Request[];
      seen.push(requests);
      return Promise.resolve({ status: 200, retryAfter: null, text: JSON.stringify(endpoint(requests)) });
    },
    pause: () => Promise.resolve(),
    defer: setImmediate,
    attempts: 3,
    batchLimit,
  });
  return { client, seen };
}

const answer = ({ id, params }: Request) => ({ jsonrpc: "2.0", id, result: params[0] });
const reply = (requests: readonly Request[]) => (requests.length === 1 ? answer(requests[0]!) : requests.map(answer));
const refusal = { jsonrpc: "2.0", id: null, error: { code: -32600, message: "batch not supported" } };

describe("protocol/jsonRpc/jsonRpcClient", () => {
  it("halves batches that are refused, and keeps to what was taken", async () => {
    const { client, seen } = clientOf((requests) => (requests.length > 3 ? refusal : reply(requests)));
    const ask = () => Promise.all(Array.from({ length: 10 }, (_, i) => client.call("eth_getBalance", [`0x${i}`])));
    expect(await ask()).to.deep.equal(Array.from({ length: 10 }, (_, i) => `0x${i}`));
    const before = seen.length;
    await ask();
    expect(Math.max(...seen.slice(before).map(({ length }) => length))).to.be.at.most(3);
  });

  it("takes no answer of another request, and asks again", async () => {
    let asked = 0;
    const { client } = clientOf(([request]) => {
      const right = answer(request!);
      return asked++ === 0 ? { ...right, id: right.id + 1 } : right;
    });
    expect(await client.call("eth_getBalance", ["0x5"])).to.equal("0x5");
    expect(asked).to.equal(2);
  });

  it("takes no answer that came twice under one id", async () => {
    const { client } = clientOf((requests) => (requests.length === 1 ? null : [...requests, ...requests].map(answer)));
    const asked = [client.call("eth_getBalance", ["0x1"]), client.call("eth_getBalance", ["0x2"])];
    for (const error of await Promise.all(asked.map(rejection))) {
      expect(error).to.have.property("code", "ERR_UNAVAILABLE_CHAIN");
    }
  });

  it("asks for logs in ranges that are taken, of one range, in order", async () => {
    const { client, seen } = clientOf((requests) => {
      const { id, method, params } = requests[0]!;
      if (method === "eth_blockNumber") return { jsonrpc: "2.0", id, result: "0xff" };
      const { fromBlock, toBlock } = params[0] as Record<string, string>;
      if (Number(toBlock) - Number(fromBlock) >= 100) {
        return { jsonrpc: "2.0", id, error: { code: -32602, message: "range exceeds limit of 100" } };
      }
      return { jsonrpc: "2.0", id, result: [{ data: "0x", topics: [], blockNumber: fromBlock }] };
    });
    const found = (await client.call("eth_getLogs", [{ fromBlock: "0x0", toBlock: "latest" }])) as {
      blockNumber: string;
    }[];
    expect(found.map(({ blockNumber }) => Number(blockNumber))).to.deep.equal([0, 64, 128, 192]);
    const taken = seen.filter(([request]) => request!.method === "eth_getLogs").map(([request]) => request!.params[0]);
    expect(taken).to.deep.include({ fromBlock: "0xc0", toBlock: "0xff" });
  });

  it("hands on at once what a node says to a transaction, unless it pleads a limit", async () => {
    const said = (code: number, message: string) =>
      clientOf(([request]) => ({ jsonrpc: "2.0", id: request!.id, error: { code, message } }));
    const low = said(-32000, "nonce too low");
    expect(await rejection(low.client.call("eth_sendRawTransaction", ["0x"]))).to.have.property("kind", "refused");
    expect(low.seen).to.have.lengthOf(1);
    const busy = said(-32005, "limit exceeded");
    expect(await rejection(busy.client.call("eth_sendRawTransaction", ["0x"]))).to.have.property(
      "code",
      "ERR_UNAVAILABLE_CHAIN",
    );
    expect(busy.seen).to.have.lengthOf(3);
  });
});
