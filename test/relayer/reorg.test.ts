import { expect } from "chai";

import { eventually } from "../helpers/eventually.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

describe("relayer: reorg", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain, { AFFIANT_CONFIRMATIONS: "6" });
    relayer = await home.start();
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  it("demotes the receipts of an anchor that is gone, then anchors again, once", async () => {
    const actor = await Actor.registered(chain);
    await chain.mine(8);
    const { leaf, entryId } = await actor.sign();
    await relayer.post("/v1/entries", { leaf });
    const status = async () => String((await relayer.get(`/v1/entries/${entryId}/receipt`)).body.status);
    await eventually(async () => (await relayer.get("/readyz")).body.anchoring.registered === true);
    await chain.mine(2);
    // From here on blocks come only when the test says so.
    const snapshot = await chain.rpc("evm_snapshot");
    await relayer.post("/v1/log/anchor");
    await eventually(async () => (await status()) === "anchored");
    await chain.rpc("evm_setAutomine", false);
    await chain.rpc("evm_revert", snapshot);
    await chain.mine(3);
    await eventually(async () => (await status()) === "sequenced");
    await chain.rpc("evm_setAutomine", true);
    await eventually(async () => {
      await chain.mine(1);
      return (await status()) === "final";
    });
    const { anchors } = (await relayer.get("/v1/log/anchors")).body;
    expect(anchors.map((anchor: { size: number; status: string }) => [anchor.size, anchor.status])).to.deep.equal([
      [1, "final"],
    ]);
    const { logId } = (await relayer.get("/v1/log")).body;
    const onChain = await chain.logAnchor.getFunction("latest")(logId);
    expect([Number(onChain.size), Number(onChain.anchorCount)]).to.deep.equal([1, 0]);
    const { Anchored } = chain.logAnchor.filters;
    expect(await chain.logAnchor.queryFilter(Anchored!(logId))).to.have.length(1);
  });
});
