/**
 * `npm run torture -- log [<rounds>] [<seed>]`: agents that write all at once into a relayer that is killed, whose writes
 * fail lost and landed, and whose disk fills up. Prints entries, faults by kind, and broken promises (0).
 */
import { randomInt } from "node:crypto";

import { logRound } from "./log/round.ts";
import { startChain } from "../../test/helpers/world/chain.ts";

const rounds = Number(process.argv[2] ?? 20);
const seed = Number(process.argv[3] ?? randomInt(2 ** 31));

const chain = await startChain();
const faults: Record<string, number> = {};
let entries = 0;
let violations = 0;
for (let round = 0; round < rounds; round++) {
  const result = await logRound(chain, { seed: seed + round, agents: 6, entries: 250, kills: 8, faultsOneIn: 12 });
  for (const [kind, count] of result.faults) faults[kind] = (faults[kind] ?? 0) + count;
  entries += result.entries;
  violations += result.violations.length;
  const words = result.violations.length === 0 ? "holds" : `${result.violations.join("; ")} (left in ${result.dir})`;
  console.log(`${round + 1}/${rounds}, seed ${seed + round}: ${words}`);
}
await chain.close();
console.log(JSON.stringify({ rounds, seed, entries, faults, violations }, null, 2));
process.exit(violations === 0 ? 0 : 1);
