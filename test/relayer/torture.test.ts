import { expect } from "chai";

import { type RoundPlan, tortureRound } from "../../scripts/torture/relayer/round.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { redisMissing, TestRedis } from "../helpers/world/redis.ts";

/** The short form of `npm run torture -- relayer`: three lanes, faults of every kind, one death at a transition each. */
const plans: readonly RoundPlan[] = [
  { seed: 5, kill: { point: "after-commit", name: "job.claim", count: 2 }, requests: 8, blocks: 40 },
  { seed: 11, kill: { point: "before-commit", name: "job.sent", count: 2 }, requests: 8, blocks: 40 },
];

const missing = redisMissing();
if (missing !== undefined) console.log(`      skipped: ${missing}`);

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

  (missing === undefined ? it : it.skip)(
    "two processes and Redis, killed, frozen and flushed: every request took effect once, no nonce is missing",
    async () => {
      const redis = await TestRedis.start();
      try {
        const kill = { point: "after-commit", name: "job.claim", count: 1 } as const;
        const { faults, violations } = await tortureRound(chain, {
          ...{ seed: 7, kill, requests: 8, blocks: 40, redis, victim: "worker" },
          kinds: [
            ...(["FLUSHALL", "Redis killed", "process asleep beyond its lease", "reorg"] as const),
            ...(["SIGKILL of a process, the others go on", "answer lost after acceptance"] as const),
          ],
        });
        expect(violations).to.deep.equal([]);
        expect(faults.get("second relayer on the folder")).to.equal(1);
        expect([...faults.values()].reduce((sum, count) => sum + count, 0)).to.be.greaterThan(4);
      } finally {
        await redis.remove();
      }
    },
  );
});
