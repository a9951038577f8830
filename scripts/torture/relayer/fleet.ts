import type { TestChain } from "../../../test/helpers/world/chain.ts";
import type { Dice } from "../../../test/helpers/world/mutations.ts";
import { type KillPoint, RelayerProcess } from "./process.ts";

/** Short, so that a round sees leases end. */
export const leaseMs = 600;

type Role = "relayer" | "worker";

interface Seat {
  readonly role: Role;
  process: RelayerProcess | undefined;
  url: string | undefined;
  wakesAtMs: number | undefined;
}

export interface FleetPlan {
  readonly env: Readonly<Record<string, string>>;
  /** With it a worker stands beside the relayer. */
  readonly redisUrl: string | undefined;
  /** Who is to die at the kill point. It starts first, so that it leads the lanes. */
  readonly victim: Role;
}

/** The processes on one journal: a relayer, and with Redis a worker beside it. Whoever dies is started again. */
export class Fleet {
  readonly #chain: TestChain;
  readonly #plan: FleetPlan;
  readonly #seats: readonly Seat[];

  constructor(chain: TestChain, plan: FleetPlan) {
    this.#chain = chain;
    this.#plan = plan;
    const beside: Role = plan.victim === "relayer" ? "worker" : "relayer";
    const roles = plan.redisUrl === undefined ? (["relayer"] as const) : [plan.victim, beside];
    this.#seats = roles.map((role) => ({ role, process: undefined, url: undefined, wakesAtMs: undefined }));
  }

  /** Those that answer, if they are not asleep. */
  get urls(): readonly string[] {
    return this.#seats.flatMap(({ url, process }) => (url !== undefined && process?.isDead === false ? [url] : []));
  }

  /** The one whose metrics count the whole journal, and which anchors. */
  get relayerUrl(): string | undefined {
    return this.#seats.find(({ role }) => role === "relayer")?.url;
  }

  get complaints(): string {
    return this.#seats.map(({ process }) => process?.complaints ?? "").join("");
  }

  /** @param kill where the victim dies */
  async startAll(kill?: KillPoint): Promise<void> {
    for (const [i, seat] of this.#seats.entries()) await this.#start(seat, i === 0 ? kill : undefined);
  }

  /** Starts those that are gone, and wakes those whose time has come. @returns how each that is gone ended */
  async care(): Promise<readonly ("killed itself" | "ended")[]> {
    const ends: ("killed itself" | "ended")[] = [];
    for (const seat of this.#seats) {
      if (seat.wakesAtMs !== undefined && Date.now() >= seat.wakesAtMs) wake(seat);
      if (seat.process?.isDead) ends.push(seat.process.killedItself ? "killed itself" : "ended");
      if (seat.process === undefined || seat.process.isDead) await this.#start(seat);
    }
    return ends;
  }

  /** @returns whether there is a process that may die while another goes on */
  async kill(dice: Dice): Promise<boolean> {
    const seat = this.#pick(dice);
    if (!seat) return false;
    await seat.process?.end("SIGKILL");
    seat.process = undefined;
    seat.url = undefined;
    return true;
  }

  /** Also in the middle of a commit, with SQLite's lock: the others wait for it, and go on. */
  putToSleep(dice: Dice): boolean {
    const seat = this.#pick(dice);
    if (!seat || seat.wakesAtMs !== undefined) return false;
    seat.process?.pause();
    seat.wakesAtMs = Date.now() + leaseMs * 2;
    return true;
  }

  /** A process too many: a relayer on the same folder. @returns whether it came up */
  async startsSecondRelayer(): Promise<boolean> {
    const second = new RelayerProcess(this.#env("relayer"));
    const url = await second.url;
    await second.end("SIGKILL");
    return url !== undefined;
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    for (const seat of this.#seats) {
      wake(seat);
      await seat.process?.end(signal);
      seat.process = undefined;
      seat.url = undefined;
    }
  }

  /** One of several that are up, and all of them must be. */
  #pick(dice: Dice): Seat | undefined {
    const all = this.#seats.every(({ process, wakesAtMs }) => process?.isDead === false && wakesAtMs === undefined);
    return all && this.#seats.length > 1 ? dice.pick(this.#seats) : undefined;
  }

  /** A start that a fault of the chain broke is tried again: an operator's supervisor would. */
  async #start(seat: Seat, kill?: KillPoint): Promise<void> {
    seat.url = undefined;
    for (let tries = 0; tries < 20; tries++) {
      seat.process = new RelayerProcess(this.#env(seat.role), kill);
      seat.url = await seat.process.url;
      if (seat.url !== undefined || seat.process.killedItself) return;
      await this.#chain.mine(1);
    }
  }

  #env(role: Role): Readonly<Record<string, string>> {
    const { env, redisUrl } = this.#plan;
    if (redisUrl === undefined) return env;
    return { ...env, REDIS_URL: redisUrl, AFFIANT_ROLE: role, AFFIANT_LEASE_MS: String(leaseMs) };
  }
}

function wake(seat: Seat): void {
  if (seat.wakesAtMs !== undefined) seat.process?.goOn();
  seat.wakesAtMs = undefined;
}
