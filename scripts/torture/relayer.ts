/**
 * `npm run torture [-- relayer] [<rounds>] [<seed>]`: relayers killed at every transition of the journal, under faults of
 * the chain and its endpoints, and killed at commits of the log. Prints rounds, faults by kind, and broken promises (0).
 */
import { randomInt } from "node:crypto";

import { type CommitName, commitNames } from "../../relayer/store/database.ts";
import { type KillPoint } from "./relayer/process.ts";
import { type RoundResult, tortureRound } from "./relayer/round.ts";
import { startChain, type TestChain } from "./world/chain.ts";
import { violationsAfter, workUntilDeath } from "./world/crashRound.ts";
import { RelayerHome } from "./world/relayer.ts";

const rounds = Number(process.argv[2] ?? 50);
const seed = Number(process.argv[3] ?? randomInt(2 ** 31));

const points = ["before-commit", "after-commit"] as const;
const transitions = commitNames.filter((name) => name.startsWith("job."));
const logCommits: readonly CommitName[] = ["log.append", "anchor.put"];

/** Every transition, before and after its commit, one after the other; each fourth round dies in the log instead. */
function killPointOf(round: number): KillPoint {
  const names = round % 4 === 3 ? logCommits : transitions;
  const nth = round % 4 === 3 ? Math.floor(round / 4) : round - Math.floor((round + 1) / 4);
  const name = names[Math.floor(nth / 2) % names.length] ?? "job.claim";
  return { point: points[nth % 2] ?? "before-commit", name, count: 1 + (nth % 3) };
}

/** Entries, receipts and anchors around one death. */
async function logRound(chain: TestChain, kill: KillPoint): Promise<RoundResult> {
  const home = await RelayerHome.make(chain);
  const record = await workUntilDeath(chain, home, kill);
  const violations = await violationsAfter(chain, home, record);
  if (violations.length === 0) await home.remove();
  const faults = new Map(record.died ? [[`SIGKILL ${kill.point} of ${kill.name}`, 1]] : []);
  return { faults, violations, dir: home.dir };
}

const chain = await startChain();
const faultsByKind = new Map<string, number>();
let violations = 0;
for (let round = 0; round < rounds; round++) {
  const kill = killPointOf(round);
  const plan = { seed: seed + round, kill, requests: 12, blocks: 60 };
  const result = round % 4 === 3 ? await logRound(chain, kill) : await tortureRound(chain, plan);
  for (const [kind, count] of result.faults) faultsByKind.set(kind, (faultsByKind.get(kind) ?? 0) + count);
  violations += result.violations.length;
  const words = result.violations.length === 0 ? "holds" : `${result.violations.join("; ")} (left in ${result.dir})`;
  console.log(`${round + 1}/${rounds} seed ${seed + round}, ${kill.point} of ${kill.name}: ${words}`);
}
await chain.close();
const faults = Object.fromEntries([...faultsByKind].sort(([a], [b]) => a.localeCompare(b)));
const faultsInjected = [...faultsByKind.values()].reduce((sum, count) => sum + count, 0);
console.log(JSON.stringify({ runs: rounds, seed, faultsInjected, faults, violations }, null, 2));
process.exit(violations === 0 ? 0 : 1);
