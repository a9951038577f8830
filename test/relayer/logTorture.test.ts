import { expect } from "chai";

import { logRound } from "../../scripts/torture/log/round.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";

/** The short form of `npm run torture -- log`. */
describe("relayer: the log under torture", () => {
  let chain: TestChain;

  before(async () => {
    chain = await startChain();
  });

  after(async () => {
    await chain?.close();
  });

  it("keeps every acknowledged entry, once and under its receipt, while it is killed, its writes fail and its disk is full", async () => {
    const plan = { seed: 3, agents: 3, entries: 60, kills: 2, faultsOneIn: 4 };
    const { faults, violations } = await logRound(chain, plan);
    expect(violations).to.deep.equal([]);
    expect(faults.get("SIGKILL under load")).to.equal(2);
    expect(faults.size).to.be.greaterThan(2);
  });
});
