/** `npm run torture [-- relayer] [<rounds>]`: kills relayers at random commits and prints how many promises were broken (0). */
import { randomInt } from "node:crypto";

import { commitNames } from "../../relayer/store/database.ts";
import { startChain } from "./world/chain.ts";
import { type CrashPoint, violationsAfter, workUntilDeath } from "./world/crashRound.ts";
import { RelayerHome } from "./world/relayer.ts";

const rounds = Number(process.argv[2] ?? 50);
const points = ["before-commit", "after-commit"] as const;
/** Commits that every round makes; the others need faults of the chain, which this does not inject. */
const names = commitNames.filter((name) =>
  /^(log\.append|anchor\.put|job\.(add|request|simulated|claim|sent|mined))$/.test(name),
);

const chain = await startChain();
let deaths = 0;
let violations = 0;
for (let round = 1; round <= rounds; round++) {
  const crash: CrashPoint = {
    name: names[randomInt(names.length)] ?? "log.append",
    point: points[randomInt(2)] ?? "after-commit",
    count: 1 + randomInt(4),
  };
  const home = await RelayerHome.make(chain);
  const record = await workUntilDeath(chain, home, crash);
  const broken = await violationsAfter(chain, home, record);
  deaths += record.died ? 1 : 0;
  violations += broken.length;
  console.log(`${round}/${rounds} ${crash.name} ${crash.point} ${crash.count}: ${broken.join("; ") || "holds"}`);
  if (broken.length === 0) await home.remove();
  else console.log(`  left for a look: ${home.dir}`);
}
await chain.close();
console.log(JSON.stringify({ runs: rounds, faultsInjected: deaths, violations }));
process.exit(violations === 0 ? 0 : 1);
