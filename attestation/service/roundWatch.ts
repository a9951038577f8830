import type { RegistryReader, RoundState } from "./registry.ts";

export interface RoundWatchOptions {
  readonly registry: RegistryReader;
  /** Blocks from the opening of one round to the opening of the next. */
  readonly roundBlocks: number;
  /** Blocks that a step may be behind before it counts as late. */
  readonly graceBlocks: number;
  /** Milliseconds without a finished step, or without an answer of the chain, that count as stuck. */
  readonly stuckAfterMs: number;
  readonly nowMs: () => number;
}

export interface RoundReport {
  readonly block: number | null;
  readonly round: RoundState | null;
  readonly rosterSize: number;
  /** Why rounds are behind; empty: they are not. */
  readonly late: readonly string[];
}

/**
 * Whether rounds keep pace: from the chain alone, and beside the loop that holds them, so that a loop which hangs is
 * noticed as well.
 */
export class RoundWatch {
  readonly #options: RoundWatchOptions;
  #report: RoundReport = { block: null, round: null, rosterSize: 0, late: [] };
  #steppedAtMs: number;
  #readAtMs: number;

  constructor(options: RoundWatchOptions) {
    this.#options = options;
    this.#steppedAtMs = this.#readAtMs = options.nowMs();
  }

  /** The loop has come round once more. */
  stepped(): void {
    this.#steppedAtMs = this.#options.nowMs();
  }

  /** @throws what the chain's endpoint throws; the report then ages */
  async look(): Promise<void> {
    const { registry, nowMs } = this.#options;
    const [round, block, rosterSize] = await Promise.all([
      registry.round(),
      registry.blockNumber(),
      registry.rosterSize(),
    ]);
    this.#report = { block, round, rosterSize, late: this.#lateness(round, block, rosterSize) };
    this.#readAtMs = nowMs();
  }

  report(): RoundReport {
    const { stuckAfterMs, nowMs } = this.#options;
    const late = [...this.#report.late];
    const [unread, idle] = [nowMs() - this.#readAtMs, nowMs() - this.#steppedAtMs];
    if (unread > stuckAfterMs) late.push(`the chain has not answered for ${Math.round(unread / 1000)} s`);
    if (idle > stuckAfterMs) late.push(`the rounds' loop has not come round for ${Math.round(idle / 1000)} s`);
    return { ...this.#report, late };
  }

  #lateness(round: RoundState | null, block: number, rosterSize: number): readonly string[] {
    const { roundBlocks, graceBlocks } = this.#options;
    if (rosterSize === 0 || !round) return [];
    const past = (due: number, what: string): string[] =>
      block > due + graceBlocks ? [`round ${round.number} ${what} since block ${due}, now ${block}`] : [];
    switch (round.phase) {
      case "opened":
        return past(round.drawBlock + 1, "waits to be drawn");
      case "drawn":
        return round.settled < round.size
          ? past(round.silentFrom, `has ${round.size - round.settled} of ${round.size} agents without a result`)
          : past(round.silentFrom, "waits to be closed");
      default:
        return past(round.openedAtBlock + roundBlocks, "is over and the next one due");
    }
  }
}
