import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { fsck } from "../../../relayer/fsck/fsck.ts";
import { Actor } from "../../../test/helpers/world/actor.ts";
import type { TestChain } from "../../../test/helpers/world/chain.ts";
import { Dice } from "../../../test/helpers/world/mutations.ts";
import { httpTo, RelayerHome } from "../../../test/helpers/world/relayer.ts";
import { FaultyProcess } from "./faultyProcess.ts";
import { LogWriter, placeOf } from "./writer.ts";

export interface LogRoundPlan {
  readonly seed: number;
  readonly agents: number;
  /** Entries of each. */
  readonly entries: number;
  /** How often the relayer is killed. */
  readonly kills: number;
  /** Of so many writes of the log one fails. */
  readonly faultsOneIn: number;
}

export interface LogRoundResult {
  readonly entries: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
  /** The folder, left for a look if a promise was broken. */
  readonly dir: string;
}

/**
 * Agents that write all at once, alone and in batches, into a relayer that is killed (SIGKILL) again and again, whose
 * writes fail lost and landed, and whose disk fills up. Afterwards every acknowledged entry is there under the receipt
 * that was given for it, every agent's numbers are there once, and fsck finds nothing.
 */
export async function logRound(chain: TestChain, plan: LogRoundPlan): Promise<LogRoundResult> {
  const home = await RelayerHome.make(chain, { AFFIANT_ANCHOR_INTERVAL_MS: "300", AFFIANT_COMMIT_MAX_ENTRIES: "24" });
  const round = new LogRound(home, plan);
  const writers = await round.openWriters(chain);
  try {
    await round.fight(writers);
    const violations = [...writers.flatMap((writer) => writer.violations), ...(await round.lookBack(writers))];
    if (violations.length === 0) await home.remove();
    return { entries: plan.agents * plan.entries, faults: round.faults, violations, dir: home.dir };
  } finally {
    await round.end();
  }
}

class LogRound {
  readonly faults = new Map<string, number>();
  readonly #home: RelayerHome;
  readonly #plan: LogRoundPlan;
  readonly #dice: Dice;
  #relayer: FaultyProcess | undefined;
  #taken = 0;
  #refused = 0;

  constructor(home: RelayerHome, plan: LogRoundPlan) {
    this.#home = home;
    this.#plan = plan;
    this.#dice = new Dice(plan.seed);
  }

  async openWriters(chain: TestChain): Promise<LogWriter[]> {
    const writers: LogWriter[] = [];
    for (let i = 0; i < this.#plan.agents; i++) {
      writers.push(
        new LogWriter(await Actor.registered(chain), (isTaken) => void (isTaken ? this.#taken++ : this.#refused++)),
      );
    }
    return writers;
  }

  async fight(writers: readonly LogWriter[]): Promise<void> {
    let [isOver, isLost] = [false, false];
    const url = (): string | undefined => {
      if (isLost) throw new Error("no relayer comes up any more");
      return this.#relayer?.url;
    };
    const { seed, entries, faultsOneIn } = this.#plan;
    await this.#start(faultsOneIn);
    const writing = Promise.all(writers.map((writer, i) => writer.write(entries, new Dice(seed + 1 + i), url)));
    const settled = writing.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    try {
      await this.#killAgainAndAgain(() => isOver);
    } catch (error) {
      isLost = true;
      await settled;
      throw error;
    }
    await writing;
  }

  async #killAgainAndAgain(isOver: () => boolean): Promise<void> {
    const { agents, entries, kills, faultsOneIn } = this.#plan;
    const share = Math.floor((agents * entries) / (kills + 1));
    for (let kill = 0; kill < kills; kill++) {
      if (kill % 2 === 0) await this.#fillDisk(isOver);
      const until = kill * share + 1 + this.#dice.below(share);
      await this.#until(() => isOver() || this.#taken >= until);
      const dying = this.#relayer;
      this.#relayer = undefined;
      await dying?.end("SIGKILL");
      this.#count("SIGKILL under load");
      // The last one is healthy: it must be able to finish.
      await this.#start(kill + 1 < kills ? faultsOneIn : 0);
    }
  }

  /** On a relayer that was started once more, and then on what it leaves. */
  async lookBack(writers: readonly LogWriter[]): Promise<string[]> {
    await this.#relayer?.end("SIGKILL");
    await this.#start(0);
    const http = httpTo(this.#relayer?.url ?? "");
    const violations: string[] = [];
    const indices = new Set<number>();
    for (const { actor, sent } of writers) {
      const { body } = await http.get(`/v1/agents/${actor.did}/entries?limit=1000`);
      const { entries, count } = body as { entries: { seq: number; index: number; entryId: string }[]; count: number };
      const isWhole = entries.every(({ seq, entryId }, i) => seq === i && entryId === sent[i]?.entryId);
      if (!isWhole || count !== sent.length || entries.length !== sent.length) {
        violations.push(`${actor.did}: ${count} entries in the log, ${sent.length} sent`);
      }
      for (const { index } of entries) indices.add(index);
      for (const { leaf, receipt } of sent) {
        const again = await http.post("/v1/entries", { leaf });
        const isSame = receipt && JSON.stringify(placeOf(again.body)) === JSON.stringify(placeOf(receipt));
        if (again.status !== 200 || !isSame) violations.push(`entry ${receipt?.index} has not its receipt any more`);
      }
    }
    const total = this.#plan.agents * this.#plan.entries;
    if (indices.size !== total) violations.push(`${indices.size} places for ${total} entries`);
    const { anchors } = (await http.get("/v1/log/anchors")).body as { anchors: { size: number }[] };
    if (new Set(anchors.map(({ size }) => size)).size !== anchors.length) violations.push("a size was anchored twice");
    await this.end();
    const { dir } = this.#home;
    const report = await fsck({ dataDir: dir, noteKeyFile: join(dir, "note.key"), repair: false });
    if (report.size !== total) violations.push(`fsck counts ${report.size} entries of ${total}`);
    return [...violations, ...report.faults.map(({ place, what }) => `fsck, ${place}: ${what}`)];
  }

  async end(): Promise<void> {
    await this.#relayer?.end("SIGKILL");
    this.#relayer = undefined;
  }

  async #start(oneIn: number): Promise<void> {
    const seed = this.#dice.below(2 ** 31);
    this.#relayer = await FaultyProcess.start(this.#home, { seed, oneIn }, (kind) => this.#count(kind));
  }

  /** Until some were refused, or so many got through that it did not matter. */
  async #fillDisk(isOver: () => boolean): Promise<void> {
    const [refused, taken] = [this.#refused, this.#taken];
    if (!(await this.#relayer?.fillDisk(this.#dice.below(16_384)))) return;
    await this.#until(() => isOver() || this.#refused >= refused + 5 || this.#taken >= taken + 40);
    await this.#relayer?.freeDisk();
    if (this.#refused > refused) this.#count("disk full");
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await sleep(5);
  }

  #count(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }
}
