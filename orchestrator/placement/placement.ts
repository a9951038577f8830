import type { Pipeline } from "../descriptor/pipeline.ts";

/** The part of a pipeline that decides where agents run. */
export type PlacementInput = Pick<Pipeline, "sites" | "latency" | "defaultLatencyMs" | "placement"> & {
  readonly agents: readonly Pick<Pipeline["agents"][number], "name" | "sites" | "memoryMb" | "cpuMillis">[];
  /** Contracts are connections too: see {@link connectionsOf}. */
  readonly connections: readonly Pick<Pipeline["connectivity"][number], "from" | "to" | "weight" | "maxLatencyMs">[];
};

/** Agent → site. */
export type Assignment = Readonly<Record<string, string>>;

/** What calls cost, in weight × milliseconds over all connections, and how many agents left the site they were on. */
export interface PlacementCost {
  readonly latencyMs: number;
  readonly moves: number;
}

/** The connections that are named, and one of weight 1 for each pair of a caller and its callee that is not. */
export function connectionsOf({ connectivity, contracts }: Pick<Pipeline, "connectivity" | "contracts">) {
  const connections: PlacementInput["connections"][number][] = [...connectivity];
  for (const { from, to } of contracts) {
    // A contract is granted by the callee to the caller.
    if (!connections.some((known) => known.from === to && known.to === from)) {
      connections.push({ from: to, to: from, weight: 1 });
    }
  }
  return connections;
}

/** Milliseconds between two sites. */
export function latencyBetween(
  input: Pick<PlacementInput, "latency" | "defaultLatencyMs">,
  a: string,
  b: string,
): number {
  if (a === b) return 0;
  const known = input.latency.find(({ between: [x, y] }) => (x === a && y === b) || (x === b && y === a));
  return known?.ms ?? input.defaultLatencyMs;
}

/** Whether an assignment keeps every rule; the first one that it breaks, in words, or undefined. */
export function brokenRule(input: PlacementInput, assignment: Assignment): string | undefined {
  const siteOf = (agent: string): string => assignment[agent] ?? "";
  for (const { name, sites } of input.agents) {
    if (!sites.includes(siteOf(name))) return `${name} may not run on ${siteOf(name) || "no site"}`;
  }
  for (const site of input.sites) {
    const there = input.agents.filter(({ name }) => siteOf(name) === site.name);
    const sum = (take: (agent: (typeof there)[number]) => number) =>
      there.reduce((total, agent) => total + take(agent), 0);
    if (there.length > (site.agents ?? Infinity)) return `${site.name} takes ${site.agents} agents`;
    if (sum(({ memoryMb }) => memoryMb) > (site.memoryMb ?? Infinity)) return `${site.name} has too little memory`;
    if (sum(({ cpuMillis }) => cpuMillis) > (site.cpuMillis ?? Infinity))
      return `${site.name} has too little processor`;
  }
  for (const set of input.placement.together) {
    if (new Set(set.map(siteOf)).size > 1) return `${set.join(", ")} must run on one site`;
  }
  for (const set of input.placement.apart) {
    if (new Set(set.map(siteOf)).size < set.length) return `${set.join(", ")} must run on different sites`;
  }
  for (const { from, to, maxLatencyMs = Infinity } of input.connections) {
    const ms = latencyBetween(input, siteOf(from), siteOf(to));
    if (ms > maxLatencyMs) return `${from} and ${to} would be ${ms} ms apart, and ${maxLatencyMs} are allowed`;
  }
  return undefined;
}

export function costOf(input: PlacementInput, assignment: Assignment, before: Assignment = {}): PlacementCost {
  const siteOf = (agent: string): string => assignment[agent] ?? "";
  return {
    latencyMs: input.connections.reduce(
      (sum, { from, to, weight }) => sum + weight * latencyBetween(input, siteOf(from), siteOf(to)),
      0,
    ),
    moves: input.agents.filter(({ name }) => before[name] !== undefined && before[name] !== siteOf(name)).length,
  };
}

/** Rounded, because sums of fractions differ by the order in which they are added. */
export function isCheaper(a: PlacementCost, b: PlacementCost): boolean {
  const difference = a.latencyMs - b.latencyMs;
  return Math.abs(difference) > 1e-6 ? difference < 0 : a.moves < b.moves;
}
