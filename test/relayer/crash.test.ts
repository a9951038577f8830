import { expect } from "chai";

import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { type CrashPoint, violationsAfter, workUntilDeath } from "../helpers/world/crashRound.ts";
import { RelayerHome } from "../helpers/world/relayer.ts";

/** The short form of `npm run torture`: one death at each kind of commit that something hangs on. */
const crashes: readonly CrashPoint[] = [
  { name: "log.append", point: "before-commit", count: 2 },
  { name: "log.append", point: "after-commit", count: 3 },
  { name: "job.request", point: "after-commit", count: 2 },
  { name: "job.claim", point: "before-commit", count: 2 },
  { name: "job.claim", point: "after-commit", count: 2 },
  { name: "job.sent", point: "before-commit", count: 2 },
  { name: "job.mined", point: "before-commit", count: 1 },
  { name: "anchor.put", point: "before-commit", count: 1 },
];

describe("relayer: killed at a commit", () => {
  let chain: TestChain;

  before(async () => {
    chain = await startChain();
  });

  after(async () => {
    await chain?.close();
  });

  for (const crash of crashes) {
    it(`${crash.name}, ${crash.point}: nothing acknowledged is lost, nothing happens twice`, async () => {
      const home = await RelayerHome.make(chain);
      const record = await workUntilDeath(chain, home, crash);
      expect(record.died, "it should have died").to.equal(true);
      expect(await violationsAfter(chain, home, record)).to.deep.equal([]);
      await home.remove();
    });
  }
});
