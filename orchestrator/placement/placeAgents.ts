import { AffiantError } from "../../protocol/errors/affiantError.ts";
import {
  type Assignment,
  costOf,
  isCheaper,
  latencyBetween,
  type PlacementCost,
  type PlacementInput,
} from "./placement.ts";

export interface Placed {
  readonly assignment: Assignment;
  readonly cost: PlacementCost;
  /** False if the search was cut short: the assignment keeps every rule, and a cheaper one may exist. */
  readonly optimal: boolean;
}

/** Agents that must run on one site are placed as one. */
interface Unit {
  readonly agents: readonly string[];
  readonly memoryMb: number;
  readonly cpuMillis: number;
  /** Indices of sites. */
  readonly sites: readonly number[];
}

interface Edge {
  readonly other: number;
  readonly weight: number;
  readonly maxLatencyMs: number;
}

/** So many partial assignments are looked at. Some seconds; 20 agents on 5 sites need far fewer as a rule. */
const defaultMaxSteps = 2_000_000;

/**
 * Finds the cheapest assignment of agents to sites that keeps every rule: depth-first branch and bound. A branch is cut
 * when what it costs already, and what each agent that is left must at least add by its calls to those already placed, is
 * no better than the best assignment found. Of two that cost the same the one that moves fewer agents wins, then the one
 * found first, in the descriptor's order: the result is the same on every machine.
 *
 * Exact until `maxSteps` are used up; the problem is NP-hard (quadratic assignment), so there is no size for which that
 * could be promised. What is found by then is returned with `optimal: false`.
 *
 * @param before where agents run now
 * @throws AffiantError ERR_INPUT_PLACEMENT if no assignment keeps the rules, or none was found within `maxSteps`
 */
export function placeAgents(input: PlacementInput, before: Assignment = {}, maxSteps = defaultMaxSteps): Placed {
  const search = new Search(input, before, maxSteps);
  search.run();
  if (!search.best) {
    const why = search.exhausted ? `was found in ${maxSteps} steps` : "keeps the rules of sites, capacity and latency";
    throw new AffiantError("ERR_INPUT_PLACEMENT", `no placement of the ${input.agents.length} agents ${why}`, {
      hint: "Loosen a bound of the descriptor: sites, capacity, placement, maxLatencyMs.",
    });
  }
  return { ...search.best, optimal: !search.exhausted };
}

class Search {
  best: Omit<Placed, "optimal"> | undefined;
  exhausted = false;
  readonly #input: PlacementInput;
  readonly #before: Assignment;
  readonly #maxSteps: number;
  readonly #units: readonly Unit[];
  readonly #edges: readonly (readonly Edge[])[];
  readonly #apart: readonly ReadonlySet<number>[];
  readonly #latency: readonly (readonly number[])[];
  readonly #left: { memoryMb: number; cpuMillis: number; agents: number }[];
  readonly #siteOf: number[];
  #steps = 0;

  constructor(input: PlacementInput, before: Assignment, maxSteps: number) {
    this.#input = input;
    this.#before = before;
    this.#maxSteps = maxSteps;
    this.#latency = input.sites.map((a) => input.sites.map((b) => latencyBetween(input, a.name, b.name)));
    this.#left = input.sites.map(({ memoryMb = Infinity, cpuMillis = Infinity, agents = Infinity }) => {
      return { memoryMb, cpuMillis, agents };
    });
    this.#units = this.#order(unitsOf(input));
    const unitOf = new Map(this.#units.flatMap(({ agents }, i) => agents.map((name) => [name, i] as const)));
    this.#edges = this.#units.map((_, i) => edgesOf(input, unitOf, i));
    this.#apart = this.#units.map((unit, i) => apartFrom(input, unitOf, unit, i));
    this.#siteOf = this.#units.map(() => -1);
  }

  run(): void {
    if (this.#apart.some((others, i) => others.has(i))) return;
    this.#place(0, 0);
  }

  /** Those with the fewest places to go first, then those with the most to say to others. */
  #order(units: readonly Unit[]): readonly Unit[] {
    const weight = ({ agents }: Unit): number =>
      this.#input.connections.reduce(
        (sum, { from, to, weight }) => (agents.includes(from) !== agents.includes(to) ? sum + weight : sum),
        0,
      );
    return [...units].sort((a, b) => a.sites.length - b.sites.length || weight(b) - weight(a));
  }

  #place(depth: number, cost: number): void {
    const unit = this.#units[depth];
    if (!unit) return this.#keep();
    if (this.exhausted || ++this.#steps > this.#maxSteps) {
      this.exhausted = true;
      return;
    }
    const choices = unit.sites
      .map((site) => ({ site, added: this.#fits(unit, depth, site) ? this.#addedBy(depth, site) : Infinity }))
      .filter(({ added }) => added < Infinity)
      .sort((a, b) => a.added - b.added);
    for (const { site, added } of choices) {
      this.#take(unit, depth, site, 1);
      if (this.#worthwhile(depth + 1, cost + added)) this.#place(depth + 1, cost + added);
      this.#take(unit, depth, site, -1);
    }
  }

  #keep(): void {
    const names = this.#units.flatMap(({ agents }, i) =>
      agents.map((name) => [name, this.#input.sites[this.#siteOf[i] ?? 0]?.name ?? ""] as const),
    );
    const placed = Object.fromEntries(names);
    const assignment = Object.fromEntries(this.#input.agents.map(({ name }) => [name, placed[name] ?? ""]));
    const cost = costOf(this.#input, assignment, this.#before);
    if (!this.best || isCheaper(cost, this.best.cost)) this.best = { assignment, cost };
  }

  #fits(unit: Unit, index: number, site: number): boolean {
    const left = this.#left[site];
    if (!left || left.memoryMb < unit.memoryMb || left.cpuMillis < unit.cpuMillis || left.agents < unit.agents.length) {
      return false;
    }
    for (const other of this.#apart[index] ?? []) if (this.#siteOf[other] === site) return false;
    return true;
  }

  /** Weight × milliseconds to those already placed; Infinity if one of them would be too far. */
  #addedBy(index: number, site: number): number {
    let sum = 0;
    for (const { other, weight, maxLatencyMs } of this.#edges[index] ?? []) {
      const there = this.#siteOf[other] ?? -1;
      if (there < 0) continue;
      const ms = this.#latency[site]?.[there] ?? Infinity;
      if (ms > maxLatencyMs) return Infinity;
      sum += weight * ms;
    }
    return sum;
  }

  /** Whether a branch can still lead to something better; equal counts while moves may decide. */
  #worthwhile(depth: number, cost: number): boolean {
    if (!this.best) return true;
    let bound = cost;
    for (let index = depth; index < this.#units.length; index++) {
      const cheapest = this.#units[index]?.sites.map((site) => this.#addedBy(index, site)) ?? [];
      bound += Math.min(...cheapest);
      if (bound > this.best.cost.latencyMs + 1e-9) return false;
    }
    return bound < this.best.cost.latencyMs - 1e-9 || this.best.cost.moves > 0;
  }

  #take(unit: Unit, index: number, site: number, sign: 1 | -1): void {
    const left = this.#left[site];
    if (!left) return;
    left.memoryMb -= sign * unit.memoryMb;
    left.cpuMillis -= sign * unit.cpuMillis;
    left.agents -= sign * unit.agents.length;
    this.#siteOf[index] = sign === 1 ? site : -1;
  }
}

function unitsOf({ agents, sites, placement }: PlacementInput): readonly Unit[] {
  const sets: Set<string>[] = agents.map(({ name }) => new Set([name]));
  for (const together of placement.together) {
    const touched = sets.filter((set) => together.some((name) => set.has(name)));
    const [first, ...rest] = touched;
    for (const set of rest) {
      for (const name of set) first?.add(name);
      sets.splice(sets.indexOf(set), 1);
    }
  }
  return sets.map((set) => {
    const members = agents.filter(({ name }) => set.has(name));
    return {
      agents: members.map(({ name }) => name),
      memoryMb: members.reduce((sum, { memoryMb }) => sum + memoryMb, 0),
      cpuMillis: members.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0),
      sites: sites.flatMap(({ name }, i) => (members.every((agent) => agent.sites.includes(name)) ? [i] : [])),
    };
  });
}

function edgesOf({ connections }: PlacementInput, unitOf: ReadonlyMap<string, number>, unit: number): readonly Edge[] {
  return connections.flatMap(({ from, to, weight, maxLatencyMs = Infinity }) => {
    const [a, b] = [unitOf.get(from), unitOf.get(to)];
    if (a === undefined || b === undefined || a === b || (a !== unit && b !== unit)) return [];
    return [{ other: a === unit ? b : a, weight, maxLatencyMs }];
  });
}

function apartFrom(
  { placement }: PlacementInput,
  unitOf: ReadonlyMap<string, number>,
  unit: Unit,
  index: number,
): ReadonlySet<number> {
  const others = new Set<number>();
  for (const set of placement.apart) {
    for (const member of set.filter((name) => unit.agents.includes(name))) {
      for (const name of set) if (name !== member) others.add(unitOf.get(name) ?? index);
    }
  }
  return others;
}
