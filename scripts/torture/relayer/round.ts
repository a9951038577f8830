import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { Wallet } from "ethers";

import { openSenderKey } from "../../../relayer/sender/signer.ts";
import { type TestChain } from "../world/chain.ts";
import { FaultProxy } from "../world/faultProxy.ts";
import { Dice } from "../world/mutations.ts";
import { registerCall } from "../world/registerCall.ts";
import { RelayerHome } from "../world/relayer.ts";
import { brokenPromises } from "./checks.ts";
import { TortureClient } from "./client.ts";
import { type Battlefield, type FaultKind, faultKinds, faults, maxReorg, strikeLimits } from "./faults.ts";
import { type KillPoint, RelayerProcess } from "./process.ts";

export interface RoundPlan {
  readonly seed: number;
  /** Where the first relayer dies. */
  readonly kill: KillPoint;
  readonly requests: number;
  /** Blocks during which faults are struck. */
  readonly blocks: number;
  /** Which faults; all by default. */
  readonly kinds?: readonly FaultKind[];
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

/** One relayer, killed and started again, under requests and faults; then peace, and a look at what became of it all. */
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
  const round = new Round({ chain, proxy, lanes, dice: new Dice(plan.seed) }, home, plan, clients);
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
  readonly #home: RelayerHome;
  readonly #plan: RoundPlan;
  readonly #clients: readonly TortureClient[];
  #relayer: RelayerProcess | undefined;
  #url: string | undefined;
  #isOver = false;

  constructor(field: Battlefield, home: RelayerHome, plan: RoundPlan, clients: readonly TortureClient[]) {
    this.#field = field;
    this.#home = home;
    this.#plan = plan;
    this.#clients = clients;
  }

  /** Requests come one by one while blocks are mined and faults struck; a relayer that dies is started again. */
  async fight(): Promise<void> {
    const { dice, chain } = this.#field;
    const { kinds = faultKinds, kill, blocks } = this.#plan;
    await this.#start(kill);
    const submitting: Promise<void>[] = [];
    for (let block = 0; block < blocks || submitting.length < this.#clients.length; block++) {
      const next = this.#clients[submitting.length];
      if (next && dice.below(2) === 0) {
        submitting.push(
          next.submit(
            () => this.#url,
            () => this.#isOver,
          ),
        );
      }
      await this.#burySelfKilled();
      if (dice.below(3) === 0) await this.#strike(dice.pick(kinds));
      if (block === Math.floor(blocks / 2)) await this.#startSecond();
      if (dice.below(4) > 0) await chain.mine(1);
      await sleep(25);
    }
    this.#field.proxy.heal();
    await Promise.all(submitting);
  }

  /** Peace: a healthy relayer, every call sent again, blocks until all is over. */
  async settle(): Promise<void> {
    const { chain } = this.#field;
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x3b9aca00"); // 1 gwei
    await this.#restart();
    const url = this.#url ?? "";
    for (const client of this.#clients) {
      if (!(await client.submitOnce(url))) this.violations.push("a call was not taken again");
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
    await this.#relayer?.end("SIGTERM");
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#relayer?.end("SIGKILL");
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
    if (!this.#relayer || this.#relayer.isDead || this.#url === undefined) return;
    const second = new RelayerProcess(this.#env());
    const url = await second.url;
    await second.end("SIGKILL");
    if (this.#relayer.isDead) return; // then it had the right to start
    if (url !== undefined) this.violations.push("two relayers run on one folder");
    this.#count("second relayer on the folder");
  }

  async #burySelfKilled(): Promise<void> {
    if (!this.#relayer?.isDead) return;
    const { kill } = this.#plan;
    if (this.#relayer.killedItself) this.#count(`SIGKILL ${kill.point} of ${kill.name}`);
    else this.violations.push(`a relayer ended by itself: ${this.#relayer.complaints.slice(0, 500)}`);
    await this.#start();
  }

  async #restart(): Promise<void> {
    await this.#burySelfKilled();
    // One that waits for its kill point is not healthy.
    await this.#relayer?.end("SIGKILL");
    this.#count("SIGKILL between commits");
    await this.#start();
    if (this.#url === undefined) throw new Error(`no relayer comes up: ${this.#relayer?.complaints}`);
  }

  /** A start that a fault of the chain broke is tried again: an operator's supervisor would. */
  async #start(kill?: KillPoint): Promise<void> {
    this.#url = undefined;
    for (let tries = 0; tries < 20; tries++) {
      this.#relayer = new RelayerProcess(this.#env(), kill);
      this.#url = await this.#relayer.url;
      if (this.#url !== undefined || this.#relayer.killedItself) return;
      await this.#field.chain.mine(1);
    }
  }

  #env(): Readonly<Record<string, string>> {
    return { ...this.#home.env, AFFIANT_LANE_KEY_FILES: laneFiles(this.#home).join(",") };
  }

  #count(kind: string): void {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
  }
}
