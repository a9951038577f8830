import { expect } from "chai";

import { type HeadChange, HeadTracker } from "../../../relayer/chain/head.ts";
import { ScriptedChain } from "./scriptedChain.ts";

describe("relayer: the chain's head", () => {
  let chain: ScriptedChain;
  let heads: HeadTracker;
  let changes: HeadChange[];

  beforeEach(async () => {
    chain = new ScriptedChain();
    chain.branch("a", 1, 32);
    chain.head = 30;
    heads = new HeadTracker(chain);
    changes = [];
    heads.onHead((change) => void changes.push(change));
    await heads.poll();
  });

  const told = () => changes.map(({ head, reorg }) => [head.hash, reorg]);

  it("a longer chain on top of the last head is no reorg, also when blocks between were not seen", async () => {
    chain.head = 32;
    await heads.poll();
    await heads.poll();
    expect(told()).to.deep.equal([
      ["30a", false],
      ["32a", false],
    ]);
    expect(heads.generation).to.equal(0);
  });

  for (const [what, to] of [
    ["longer", 36],
    ["as long", 30],
    ["shorter", 29],
  ] as const) {
    it(`a branch that takes the last head away is a reorg when it is ${what}, and all that was known is asked again`, async () => {
      expect(await heads.hashOf(29)).to.equal("29a");
      chain.branch("b", 28, 40);
      chain.head = to;
      await heads.poll();
      expect(told().at(-1)).to.deep.equal([`${to}b`, true]);
      expect(heads.generation).to.equal(1);
      expect(await heads.hashOf(29)).to.equal("29b");
    });
  }

  it("asks once for a block below the head", async () => {
    await heads.hashOf(7);
    chain.asked.length = 0;
    expect(await heads.hashOf(7)).to.equal("7a");
    expect(chain.asked).to.deep.equal([]);
    expect(await heads.readHash(7), "unless told to read").to.equal("7a");
    expect(chain.asked).to.deep.equal(["eth_getBlockByNumber 0x7"]);
  });

  it("does not keep a block above its head: no later head shows that it is gone", async () => {
    expect(await heads.hashOf(31)).to.equal("31a");
    chain.branch("b", 31, 36);
    chain.head = 36;
    await heads.poll();
    expect(told().at(-1), "block 30 is still there").to.deep.equal(["36b", false]);
    expect(await heads.hashOf(31)).to.equal("31b");
  });

  it("a block that is not there has no hash", async () => {
    expect(await heads.hashOf(33)).to.equal(undefined);
  });
});
