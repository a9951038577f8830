import { expect } from "chai";

import { type RoundPlan, tortureRound } from "../../scripts/torture/relayer/round.ts";
import { startChain, type TestChain } from "../../scripts/torture/world/chain.ts";

/** The short form of `npm run torture -- relayer`: three lanes, faults of every kind, one death at a transition each. */
const plans: readonly RoundPlan[] = [
  { seed: 5, kill: { point: "after-commit", name: "job.claim", count: 2 }, requests: 8, blocks: 40 },
  { seed: 11, kill: { point: "before-commit", name: "job.sent", count: 2 }, requests: 8, blocks: 40 },
];

describe("relayer: tortured", () => {
  let chain: TestChain;

  before(async () => {
    chain = await startChain();
  });

  after(async () => {
    await chain?.close();
  });

  for (const plan of plans) {
    it(`killed ${plan.kill.point} of ${plan.kill.name}: every request took effect once, no nonce is missing`, async () => {
      const { faults, violations } = await tortureRound(chain, plan);
      expect(violations).to.deep.equal([]);
      expect(faults.get(`SIGKILL ${plan.kill.point} of ${plan.kill.name}`)).to.equal(1);
    });
  }
});
