import { once } from "node:events";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { type FrontDoor, openFrontDoor } from "../../../orchestrator/chain/frontDoor.ts";

describe("orchestrator/chain/frontDoor", () => {
  let chain: Server;
  let door: FrontDoor;
  let reached: string[];

  before(async () => {
    chain = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        reached.push(body);
        response.setHeader("content-type", "application/json").end('{"jsonrpc":"2.0","id":1,"result":"0x7a69"}');
      });
    }).listen(0, "127.0.0.1");
    await once(chain, "listening");
    door = await openFrontDoor(0, { host: "127.0.0.1", port: (chain.address() as AddressInfo).port });
  });
  after(async () => {
    await door.close();
    chain.close();
    chain.closeAllConnections();
  });
  beforeEach(() => (reached = []));

  function ask(headers: Record<string, string>, method = "POST") {
    const { port } = new URL(door.url);
    const body = method === "POST" ? '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}' : "";
    return new Promise<{ status: number; allowed: unknown; text: string }>((resolve, reject) => {
      const sent = httpRequest({ host: "127.0.0.1", port, method, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, allowed: response.headers["access-control-allow-origin"], text });
        });
      });
      sent.on("error", reject).end(body);
    });
  }

  it("passes on what programs and pages of this machine ask", async () => {
    const { status, text } = await ask({ "content-type": "application/json" });
    expect({ status, text }).to.deep.equal({ status: 200, text: '{"jsonrpc":"2.0","id":1,"result":"0x7a69"}' });
    const page = await ask({ origin: "http://localhost:3000", "content-type": "application/json" });
    expect({ status: page.status, allowed: page.allowed }).to.deep.equal({
      status: 200,
      allowed: "http://localhost:3000",
    });
    expect((await ask({ origin: "http://localhost:3000" }, "OPTIONS")).status).to.equal(204);
    expect(reached).to.have.length(2);
  });

  // Each differs from what is passed on in one header.
  for (const [what, headers, code] of [
    ["a foreign page", { origin: "https://evil.example" }, "ERR_AUTH_ORIGIN"],
    ["a page in a sandbox, or a file", { origin: "null" }, "ERR_AUTH_ORIGIN"],
    ["a name that somebody pointed here", { host: "evil.example:8545" }, "ERR_AUTH_HOST"],
  ] as const) {
    it(`lets nothing through for ${what}`, async () => {
      const { status, allowed, text } = await ask({ "content-type": "text/plain", ...headers });
      expect({ status, allowed, code: (JSON.parse(text) as { code: string }).code }).to.deep.equal({
        ...{ status: 403, allowed: undefined, code },
      });
      expect(reached).to.deep.equal([]);
    });
  }

  it("says so when what is behind it is gone", async () => {
    const alone = await openFrontDoor(0, { host: "127.0.0.1", port: 1 });
    expect((await fetch(alone.url, { method: "POST", body: "{}" })).status).to.equal(502);
    await alone.close();
  });
});
