import type { Row } from "./row.ts";

export interface CallEdge {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  readonly refused: number;
  readonly broken: number;
  readonly acts: readonly string[];
  readonly contracts: readonly string[];
}

export interface CallGraph {
  readonly agents: readonly { readonly did: string; readonly acts: number; readonly broken: number }[];
  readonly edges: readonly CallEdge[];
}

/** Who called whom: by the callee's entries where the file holds them, else by the caller's. */
export function callGraphOf(rows: readonly Row[]): CallGraph {
  const agents = new Map<string, { did: string; acts: number; broken: number }>();
  const touch = (did: string) => {
    const known = agents.get(did) ?? { did, acts: 0, broken: 0 };
    agents.set(did, known);
    return known;
  };
  const withEntries = new Set(rows.filter(({ caller }) => caller !== null).map(({ agent }) => agent));
  const edges = new Map<
    string,
    { calls: number; refused: number; broken: number; acts: Set<string>; contracts: Set<string> }
  >();
  for (const row of rows) {
    const own = touch(row.agent);
    own.acts++;
    if (row.conduct === "violates") own.broken++;
    if (row.counterpart === null) continue;
    const isCallee = row.caller !== null;
    if (!isCallee && withEntries.has(row.counterpart)) continue;
    const [from, to] = isCallee ? [row.counterpart, row.agent] : [row.agent, row.counterpart];
    touch(from);
    touch(to);
    const key = `${from} ${to}`;
    const edge = edges.get(key) ?? { calls: 0, refused: 0, broken: 0, acts: new Set(), contracts: new Set() };
    edge.calls++;
    if (row.kind === "refusal") edge.refused++;
    if (row.conduct === "violates") edge.broken++;
    edge.acts.add(row.act);
    if (row.contract !== null) edge.contracts.add(row.contract);
    edges.set(key, edge);
  }
  return {
    agents: [...agents.values()],
    edges: [...edges].map(([key, { acts, contracts, ...edge }]) => {
      const [from = "", to = ""] = key.split(" ");
      return { from, to, ...edge, acts: [...acts], contracts: [...contracts] };
    }),
  };
}
