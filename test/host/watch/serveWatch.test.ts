import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { JsonRpcProvider } from "ethers";

import { BlockWatch } from "../../../host/watch/blockWatch.ts";
import { BlockWaiter } from "../../../host/watch/blockWaiter.ts";
import { askEndpoint } from "../../../host/watch/endpoint.ts";
import { type ServedWatch, serveWatch } from "../../../host/watch/serveWatch.ts";
import { rejection } from "../../helpers/rejection.ts";

describe("host/watch: over a local socket", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function endpoint(answer: (body: string) => string): Promise<{ url: string; count: () => number }> {
    let count = 0;
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        count += 1;
        response.end(answer(body));
      });
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    closing.push(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => count };
  }

  const echo = (body: string): string => {
    const one = ({ id, method }: { id: number; method: string }) => ({
      jsonrpc: "2.0",
      id,
      result: method === "eth_chainId" ? "0x7a69" : "0x2a",
    });
    const asked = JSON.parse(body) as { id: number; method: string } | { id: number; method: string }[];
    return JSON.stringify(Array.isArray(asked) ? asked.map(one) : one(asked));
  };

  async function served(url: string): Promise<ServedWatch & { watch: BlockWatch }> {
    const watch = new BlockWatch(askEndpoint(url));
    watch.told({ number: 1, hash: "0x1" });
    const server = await serveWatch(watch, 0);
    closing.push(() => server.close());
    return { ...server, watch };
  }

  it("is asked as a chain is asked, also in batches", async () => {
    const chain = await endpoint(echo);
    const { url } = await served(chain.url);
    const provider = new JsonRpcProvider(url, 31_337, { staticNetwork: true, cacheTimeout: -1 });
    closing.push(() => provider.destroy());
    const address = `0x${"11".repeat(20)}`;
    const found = await Promise.all([1, 2, 3].map(() => provider.getBalance(address)));
    expect(found).to.deep.equal([42n, 42n, 42n]);
    expect(chain.count()).to.equal(1);
  });

  it("says that the chain does not answer, as an error that is nobody's word", async () => {
    const chain = await endpoint(() => "<html>");
    const { url } = await served(chain.url);
    const ask = askEndpoint(url);
    const [answer] = await ask([{ method: "eth_call", params: [{}, "latest"] }]);
    expect(answer).to.have.nested.property("error.code", -32_603);
    expect(answer).to.not.have.nested.property("error.data");
  });

  it("serves no page of another name, and answers what is no request", async () => {
    const chain = await endpoint(echo);
    const { url } = await served(chain.url);
    const post = (body: string, headers: Record<string, string> = {}) => fetch(url, { method: "POST", body, headers });
    expect((await post("{}", { origin: "https://evil.example" })).status).to.equal(403);
    expect(await (await post("{")).json()).to.have.nested.property("error.code", -32_700);
    expect(await (await post('{"id":1}')).json()).to.have.nested.property("error.code", -32_600);
  });

  it("tells who waits, and lets one who does not speak to a watch wait by itself", async () => {
    const chain = await endpoint((body) => {
      const { id } = JSON.parse(body) as { id: number };
      return JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32_601, message: "method not found" } });
    });
    const { url, watch } = await served(chain.url);
    const waiter = new BlockWaiter(url);
    await waiter.next(3_600_000, 3_600_000);
    const told = waiter.next(3_600_000, 3_600_000);
    watch.told({ number: 2, hash: "0x2" });
    await told;
    await new BlockWaiter(chain.url).next(1, 3_600_000);
    await new BlockWaiter("http://127.0.0.1:9").next(1, 3_600_000);
  });

  it("asks an endpoint that answers without ids, and takes no text for an answer", async () => {
    const noIds = await endpoint(() => '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}');
    expect(await askEndpoint(noIds.url)([{ method: "m", params: [] }])).to.have.nested.property(
      "0.error.code",
      -32_600,
    );
    const text = await endpoint(() => '"busy"');
    expect(await rejection(askEndpoint(text.url)([{ method: "m", params: [] }]))).to.be.an("error");
  });
});
