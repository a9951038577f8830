import { expect } from "chai";

import { network, RateLimiter } from "../../relayer/http/rateLimit.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome } from "../helpers/world/relayer.ts";
import { thrownCode } from "../helpers/errorCode.ts";

describe("relayer: limits", () => {
  it("count by name in windows of a minute", () => {
    let nowMs = 0;
    const limiter = new RateLimiter(2, () => nowMs);
    const count = (name: string) => thrownCode(() => limiter.count(name));
    expect([count("a"), count("a"), count("b")]).to.deep.equal(["no error", "no error", "no error"]);
    nowMs = 59_999;
    expect([count("a"), count("b")]).to.deep.equal(["ERR_LIMIT_RATE", "no error"]);
    nowMs = 60_000;
    expect(count("a")).to.equal("no error");
  });

  it("take an IPv6 network of 64 bits for one address", () => {
    expect(network("2001:db8:1:2:3:4:5:6")).to.equal("2001:db8:1:2::/64");
    expect(network("2001:0db8:1:2::1")).to.equal("2001:db8:1:2::/64");
    expect(network("2001:db8:1:3::1")).to.equal("2001:db8:1:3::/64");
    expect(network("::1")).to.equal("0:0:0:0::/64");
    expect(network("fe80::1%eth0")).to.equal("fe80:0:0:0::/64");
    expect(network("::ffff:192.0.2.1")).to.equal("192.0.2.1");
    expect(network("192.0.2.1")).to.equal("192.0.2.1");
  });

  describe("of an agent's entries", () => {
    let chain: TestChain;

    before(async () => {
      chain = await startChain();
    });

    after(async () => {
      await chain?.close();
    });

    it("hold for that agent alone, and not for what is in the log already", async () => {
      const home = await RelayerHome.make(chain, { AFFIANT_AGENT_RATE_LIMIT_PER_MINUTE: "2" });
      const relayer = await home.start();
      const [busy, other] = [await Actor.registered(chain), await Actor.registered(chain)];
      const leaves = [await busy.sign(), await busy.sign(), await busy.sign()].map(({ leaf }) => leaf);
      const statuses = [];
      for (const leaf of leaves) statuses.push((await relayer.post("/v1/entries", { leaf })).status);
      expect(statuses).to.deep.equal([201, 201, 429]);
      const again = await relayer.post("/v1/entries", { leaf: leaves[2] });
      expect(again.body.code).to.equal("ERR_LIMIT_RATE");
      expect(Number(again.headers.get("retry-after"))).to.be.within(1, 60);
      expect((await relayer.post("/v1/entries", { leaf: leaves[0] })).status).to.equal(200);
      expect((await relayer.post("/v1/entries", { leaf: (await other.sign()).leaf })).status).to.equal(201);
      await relayer.close();
      await home.remove();
    });
  });
});
