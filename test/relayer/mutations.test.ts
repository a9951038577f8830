import { expect } from "chai";

import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { sendMutated } from "../helpers/world/mutatedRequests.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

describe("relayer: mutated requests", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    relayer = await home.start();
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  it("answers 500 of them, in shape, size, encoding and signature, without a single 5xx", async () => {
    const { sent, violations, statuses } = await sendMutated(chain, relayer.url, 500, 1);
    expect(violations).to.deep.equal([]);
    expect(sent).to.equal(500);
    expect(Number(statuses["400"])).to.be.greaterThan(100);
    expect((await relayer.get("/healthz")).status).to.equal(200);
  });
});
