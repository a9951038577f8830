import { expect } from "chai";

import { startChain, type TestChain } from "../../scripts/torture/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../../scripts/torture/world/relayer.ts";

describe("relayer: http", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain, { AFFIANT_RATE_LIMIT_PER_MINUTE: "40" });
    relayer = await home.start();
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  it("describes routes that are there", async () => {
    const { body } = await relayer.get("/openapi.json");
    expect(body.openapi).to.equal("3.1.0");
    for (const [path, methods] of Object.entries(body.paths as Record<string, object>)) {
      if (!("get" in methods) || path === "/v1/events") continue;
      const answer = await relayer.get(path.replace(/\{\w+\}/g, "x"));
      expect([path, answer.body?.code === "ERR_NOT_FOUND_ROUTE"]).to.deep.equal([path, false]);
    }
    expect((await relayer.get("/docs")).text).to.contain("/v1/entries:batch");
  });

  it("counts the requests of an address, and says when to come back", async () => {
    let last = await relayer.get("/healthz");
    for (let i = 0; i < 40; i++) last = await relayer.get("/healthz");
    expect([last.status, last.body.code]).to.deep.equal([429, "ERR_LIMIT_RATE"]);
    expect(last.headers.get("retry-after")).to.equal("1");
  });
});
