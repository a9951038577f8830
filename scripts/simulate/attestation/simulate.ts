import { boundOf, playRounds, randomOf, type Tally } from "./playRounds.ts";
import { replay, type Replayed } from "./replay.ts";
import { anyStrategy, known, type Strategy } from "./strategies.ts";

const shares = [0.05, 0.1, 0.2, 0.33];

export interface Row extends Tally {
  readonly agents: number;
  readonly share: number;
  readonly strategy: string;
  /** Of colluders, those without renewed trust at the end of a round, in parts of 1; and what three seats allow. */
  readonly detected: number;
  readonly bound: number;
}

export interface Simulation {
  readonly rows: readonly Row[];
  readonly searched: Strategy;
  readonly replays: readonly Replayed[];
}

export interface SimulationOptions {
  /** Rounds of each size, over all shares and strategies. */
  readonly rounds: number;
  readonly sizes: readonly number[];
  /** Rounds that are played on the contracts. */
  readonly replays: number;
  readonly seed: number;
  readonly onProgress?: (line: string) => void;
}

/** The model at all sizes, the strategy that a search finds beside the known ones, and rounds of it on the contracts. */
export async function simulate({ rounds, sizes, replays, seed, onProgress }: SimulationOptions): Promise<Simulation> {
  const random = randomOf(seed);
  const searched = search(random);
  const strategies = [...known, searched];
  const each = Math.ceil(rounds / (shares.length * strategies.length));
  const rows: Row[] = [];
  for (const agents of sizes) {
    for (const share of shares) {
      for (const strategy of strategies) {
        const tally = playRounds(agents, share, strategy, each, random);
        const detected = tally.bad === 0 ? 1 : 1 - tally.badPassed / tally.bad;
        rows.push({ agents, share, strategy: strategy.name, ...tally, detected, bound: 1 - boundOf(agents, share) });
      }
    }
    onProgress?.(`${agents} agents: ${each * shares.length * strategies.length} rounds played`);
  }
  const plan = Array.from({ length: replays }, (_, i) => strategies[i % strategies.length] as Strategy);
  const half = Math.ceil(plan.length / 2);
  const done: Replayed[] = [];
  for (const [share, part] of [
    [0.2, plan.slice(0, half)],
    [0.33, plan.slice(half)],
  ] as const) {
    if (part.length > 0) done.push(await replay(20, part, share, random));
    onProgress?.(`${part.length} rounds played on the contracts, colluders ${share}`);
  }
  return { rows, searched, replays: done };
}

/** Whatever harms most at one in five: colluders that pass, and honest agents that lose trust. */
function search(random: () => number): Strategy {
  let best: { strategy: Strategy; harm: number } | undefined;
  for (let i = 0; i < 60; i++) {
    const strategy = anyStrategy(random);
    const tally = playRounds(60, 0.2, strategy, 12, random);
    const lost = tally.honestLostByStrikes + tally.honestLostByFail + tally.honestWithoutResult;
    const harm = tally.badPassed / tally.bad + lost / tally.honest;
    if (!best || harm > best.harm) best = { strategy, harm };
  }
  return (best as { strategy: Strategy }).strategy;
}
