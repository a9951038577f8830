/**
 * `npm run torture [-- relayer] [<rounds>] [<seed>]`: relayers killed at every transition of the journal, alone and with a
 * worker and Redis beside them, under faults of the chain, its endpoints, Redis and the processes; and killed at commits of
 * the log. Prints rounds, faults by kind, and broken promises (0).
 */
import { randomInt } from "node:crypto";

import { type CommitName, commitNames } from "../../relayer/store/database.ts";
import type { KillPoint } from "./relayer/process.ts";
import { type RoundResult, tortureRound } from "./relayer/round.ts";
import { startChain, type TestChain } from "../../test/helpers/world/chain.ts";
import { redisMissing, TestRedis } from "../../test/helpers/world/redis.ts";
import { violationsAfter, workUntilDeath } from "../../test/helpers/world/crashRound.ts";
import { RelayerHome } from "../../test/helpers/world/relayer.ts";

const rounds = Number(process.argv[2] ?? 75);
const seed = Number(process.argv[3] ?? randomInt(2 ** 31));

const points = ["before-commit", "after-commit"] as const;
/** `job.retry` is the operator's hand, in a process of its own. */
const transitions = commitNames.filter((name) => /^(job|lease)\./.test(name) && name !== "job.retry");
const logCommits: readonly CommitName[] = ["log.append", "anchor.put"];

/** They come with faults only, so the first one must do. */
const rare: ReadonlySet<CommitName> = new Set(["job.bump", "job.fill", "job.unmine", "job.release", "job.setback"]);

type RoundKind = "alone" | "redis" | "log";
const kinds: readonly RoundKind[] = ["alone", "redis", "alone", "redis", "log"];

interface RoundOrder {
  readonly kind: RoundKind;
  readonly kill: KillPoint;
  readonly victim: "relayer" | "worker";
}

/** Every transition, before and after its commit, alone and then with Redis; each fifth round dies in the log instead. */
function orderOf(round: number): RoundOrder {
  const kind = kinds[round % kinds.length] ?? "alone";
  const cycle = Math.floor(round / kinds.length);
  const names = kind === "log" ? logCommits : transitions;
  const nth = kind === "log" ? cycle : cycle * 2 + (round % kinds.length > 1 ? 1 : 0);
  const name = names[Math.floor(nth / 2) % names.length] ?? "job.claim";
  const count = rare.has(name) ? 1 : 1 + (nth % 3);
  const kill = { point: points[nth % 2] ?? "before-commit", name, count };
  return { kind, kill, victim: nth % 4 < 2 ? "relayer" : "worker" };
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
const missing = redisMissing();
if (missing !== undefined) console.log(`rounds with Redis are left out: ${missing}`);
const redis = missing === undefined ? await TestRedis.start() : undefined;
const faultsByKind = new Map<string, number>();
const runs = { alone: 0, redis: 0, log: 0 };
let violations = 0;
for (let round = 0; round < rounds; round++) {
  const { kind, kill, victim } = orderOf(round);
  if (kind === "redis" && !redis) continue;
  const plan = { seed: seed + round, kill, requests: 12, blocks: 60 };
  const shared = kind === "redis" ? { redis, victim } : {};
  const result = kind === "log" ? await logRound(chain, kill) : await tortureRound(chain, { ...plan, ...shared });
  runs[kind] += 1;
  for (const [name, count] of result.faults) faultsByKind.set(name, (faultsByKind.get(name) ?? 0) + count);
  violations += result.violations.length;
  const words = result.violations.length === 0 ? "holds" : `${result.violations.join("; ")} (left in ${result.dir})`;
  const where = `${kill.point} of ${kill.name}${kind === "redis" ? ` in the ${victim}` : ""}`;
  console.log(`${round + 1}/${rounds} ${kind}, seed ${seed + round}, ${where}: ${words}`);
}
await redis?.remove();
await chain.close();
const faults = Object.fromEntries([...faultsByKind].sort(([a], [b]) => a.localeCompare(b)));
const faultsInjected = [...faultsByKind.values()].reduce((sum, count) => sum + count, 0);
console.log(JSON.stringify({ runs, seed, faultsInjected, faults, violations }, null, 2));
process.exit(violations === 0 ? 0 : 1);
