import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { Wallet } from "ethers";

import { openSenderKey } from "../../../relayer/sender/signer.ts";
import type { TestChain } from "../../../test/helpers/world/chain.ts";
import { FaultProxy } from "../../../cli/rehearse/faultProxy.ts";
import { Dice } from "../../../test/helpers/world/mutations.ts";
import { registerCall } from "../../../test/helpers/world/registerCall.ts";
import type { TestRedis } from "../../../test/helpers/world/redis.ts";
import { RelayerHome } from "../../../test/helpers/world/relayer.ts";
import { brokenPromises } from "./checks.ts";
import { TortureClient } from "./client.ts";
import { type Battlefield, type FaultKind, faultKinds, faults, maxReorg, strikeLimits } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import type { KillPoint } from "./process.ts";

export interface RoundPlan {
  readonly seed: number;
  /** Where the first process dies. */
  readonly kill: KillPoint;
  readonly requests: number;
  /** Blocks during which faults are struck. */
  readonly blocks: number;
  /** Which faults; all by default. */
  readonly kinds?: readonly FaultKind[];
  /** With it a worker stands beside the relayer. */
  readonly redis?: TestRedis | undefined;
  /** Who dies at the kill point; the relayer unless given. */
  readonly victim?: "relayer" | "worker";
}

export interface RoundResult {
  /** How often each kind of fault was struck; `SIGKILL at …` among them. */
  readonly faults: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
  /** The folder, left for a look if a promise was broken. */
  readonly dir: string;
}

const laneCount = 3;
/** Blocks that one more wait may take before a round counts as stuck. */
const patienceBlocks = 600;

/**
 * A relayer, with Redis a worker beside it, killed and started again, under requests and faults; then peace, and a look at
 * what became of it all.
 */
export async function tortureRound(chain: TestChain, plan: RoundPlan): Promise<RoundResult> {
  const proxy = await FaultProxy.start(chain.url);
  const home = await RelayerHome.make(chain, { AFFIANT_RPC_URL: proxy.url, ...settings });
  const lanes = await openLanes(chain, home);
  const clients = await Promise.all(
    Array.from({ length: plan.requests }, async () => new TortureClient(await registerCall(chain))),
  );
  await chain.mine(maxReorg * 2); // what came before must outlive the reorgs
  const fromBlock = await chain.provider.getBlockNumber();
  await chain.rpc("evm_setAutomine", false);
  const env = { ...home.env, AFFIANT_LANE_KEY_FILES: laneFiles(home).join(",") };
  const { redis, victim = "relayer" } = plan;
  const fleet = new Fleet(chain, { env, redisUrl: redis?.url, victim });
  const round = new Round({ chain, proxy, lanes, fleet, redis, dice: new Dice(plan.seed) }, plan, clients);
  try {
    await round.fight();
    proxy.heal();
    await round.settle();
    const broken = await brokenPromises(chain, home, lanes, clients, fromBlock);
    const violations = [...round.violations, ...broken];
    if (violations.length === 0) await home.remove();
    return { faults: round.struck, violations, dir: home.dir };
  } finally {
    await round.end();
    await proxy.close();
    await chain.rpc("evm_setAutomine", true);
    await chain.mine(1);
  }
}

const settings = {
  AFFIANT_LANE_IN_FLIGHT: "4",
  AFFIANT_BUMP_AFTER_BLOCKS: "2",
  AFFIANT_CONFIRMATIONS: String(maxReorg + 2),
  AFFIANT_ANCHOR_INTERVAL_MS: "500",
};

/** Key files beside the operator's, funded; `AFFIANT_LANE_KEY_FILES` names them. */
async function openLanes(chain: TestChain, home: RelayerHome): Promise<Wallet[]> {
  const files = [join(home.dir, "sender.key"), ...laneFiles(home)];
  const wallets: Wallet[] = [];
  for (const file of files) {
    await chain.fund(openSenderKey(file).address);
    wallets.push(new Wallet((await readFile(file, "utf8")).trim()));
  }
  return wallets;
}

function laneFiles({ dir }: RelayerHome): readonly string[] {
  return Array.from({ length: laneCount - 1 }, (_, i) => join(dir, `lane${i + 2}.key`));
}

class Round {
  readonly struck = new Map<string, number>();
  readonly violations: string[] = [];
  readonly #field: Battlefield;
  readonly #plan: RoundPlan;
  readonly #clients: readonly TortureClient[];
  #isOver = false;

  constructor(field: Battlefield, plan: RoundPlan, clients: readonly TortureClient[]) {
    this.#field = field;
    this.#plan = plan;
    this.#clients = clients;
  }

  /** Requests come one by one while blocks are mined and faults struck; a process that dies is started again. */
  async fight(): Promise<void> {
    const { dice, chain, fleet, proxy, redis } = this.#field;
    const { kinds = faultKinds(redis), kill, blocks } = this.#plan;
    await fleet.startAll(kill);
    const submitting: Promise<void>[] = [];
    for (let block = 0; block < blocks || submitting.length < this.#clients.length; block++) {
      const next = this.#clients[submitting.length];
      if (next && dice.below(2) === 0) submitting.push(this.#submit(next));
      await this.#care();
      if (dice.below(3) === 0) await this.#strike(dice.pick(kinds));
      if (block === Math.floor(blocks / 2)) await this.#startSecond();
      if (dice.below(4) > 0) await chain.mine(1);
      await sleep(25);
    }
    proxy.heal();
    if (redis && !redis.isUp) await redis.up();
    // Those that sleep or are gone may be the ones that a client waits for.
    const all = Promise.all(submitting).then(() => true);
    while (!(await Promise.race([all, sleep(50).then(() => false)]))) await this.#care();
  }

  /** Peace: healthy processes, every call sent again, blocks until all is over. */
  async settle(): Promise<void> {
    const { chain, fleet } = this.#field;
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x3b9aca00"); // 1 gwei
    await this.#restart();
    const url = fleet.relayerUrl;
    if (url === undefined) throw new Error(`no relayer comes up: ${fleet.complaints}`);
    for (const [i, client] of this.#clients.entries()) {
      if (!(await client.submitOnce(fleet.urls[i % fleet.urls.length] ?? url))) {
        this.violations.push("a call was not taken again");
      }
    }
    let left = patienceBlocks;
    while (!(await this.#isAllOver(url))) {
      if (--left === 0) {
        this.violations.push(`not over after ${patienceBlocks} blocks of peace`);
        break;
      }
      await chain.mine(1);
      await sleep(25);
    }
    this.#isOver = true;
    await fleet.end("SIGTERM");
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#field.fleet.end("SIGKILL");
  }

  #submit(client: TortureClient): Promise<void> {
    const { fleet } = this.#field;
    let turn = 0;
    return client.submit(
      () => fleet.urls[turn++ % Math.max(1, fleet.urls.length)],
      () => this.#isOver,
    );
  }

  async #isAllOver(url: string): Promise<boolean> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const states = [...text.matchAll(/^affiant_journal_jobs\{state="(\w+)"\} (\d+)/gm)];
    return states.every(([, state, count]) => state === "final" || state === "failed" || Number(count) === 0);
  }

  async #strike(kind: FaultKind): Promise<void> {
    if ((this.struck.get(kind) ?? 0) >= (strikeLimits[kind] ?? Infinity)) return;
    if (await faults[kind](this.#field)) this.#count(kind);
  }

  /** Another relayer on the same folder must refuse to start, and change nothing. */
  async #startSecond(): Promise<void> {
    const { fleet } = this.#field;
    const before = fleet.relayerUrl;
    if (before === undefined) return;
    const came = await fleet.startsSecondRelayer();
    if (!fleet.urls.includes(before)) return; // then it had the right to start
    if (came) this.violations.push("two relayers run on one folder");
    this.#count("second relayer on the folder");
  }

  /** What died is started again, now or a few blocks later; so is Redis. */
  async #care(): Promise<void> {
    const { fleet, redis, dice } = this.#field;
    if (redis && dice.below(4) > 0) return;
    if (redis && !redis.isUp) await redis.up();
    const { kill } = this.#plan;
    const complaints = fleet.complaints;
    for (const ended of await fleet.care()) {
      if (ended === "killed itself") this.#count(`SIGKILL ${kill.point} of ${kill.name}`);
      else this.violations.push(`a process ended by itself: ${complaints.slice(0, 500)}`);
    }
  }

  async #restart(): Promise<void> {
    const { fleet } = this.#field;
    // One that waits for its kill point is not healthy.
    await fleet.end("SIGKILL");
    this.#count("SIGKILL between commits");
    await fleet.startAll();
  }

  #count(kind: string): void {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
  }
}
