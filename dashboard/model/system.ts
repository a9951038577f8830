/** Something that is not as it should be: what, why, and what to do. */
export interface Finding {
  readonly part: string;
  readonly ok: boolean;
  readonly cause: string;
  readonly remedy: string;
}

export interface SystemAgent {
  readonly name: string;
  readonly did: string;
  readonly site: string | null;
  /** As the orchestrator has it. */
  readonly place: string | null;
  /** As the chain has it, at the block of the state; null where it did not say. */
  readonly standing: {
    readonly status: string;
    readonly tier: string;
    readonly sinceBlock: number;
    readonly expiresAtBlock: number;
  } | null;
  /** How many entries of each kind; null where its relayer never said. */
  readonly entries: { readonly acts: number; readonly refusals: number; readonly others: number } | null;
}

export interface LiveAct {
  readonly index: number;
  readonly entryId: string;
  readonly agent: string;
  readonly act: string;
  readonly kind: string;
  readonly thread: string | null;
  readonly block: number;
  readonly iatSec: number;
  readonly anchored: boolean;
}

/** How a system stands. What nobody answered for is null, never zero. */
export interface SystemState {
  readonly atMs: number;
  readonly chain: { readonly chainId: number; readonly block: number } | null;
  readonly log: { readonly origin: string; readonly size: number; readonly anchored: number | null } | null;
  readonly anchors: readonly { readonly size: number; readonly block: number }[];
  readonly agents: readonly SystemAgent[];
  /** The newest first. */
  readonly acts: readonly LiveAct[];
  /** What the orchestrator says happened, the newest first. */
  readonly events: readonly {
    readonly atMs: number;
    readonly alarm: boolean;
    readonly subject: string;
    readonly text: string;
  }[];
  readonly health: readonly Finding[];
}

/** Counts over all agents, for whoever compares; null while one agent's are not known: a part is no sum. */
export function countsOf({
  agents,
}: Pick<SystemState, "agents">): { acts: number; refusals: number; entries: number } | null {
  const sum = { acts: 0, refusals: 0, entries: 0 };
  for (const { entries } of agents) {
    if (entries === null) return null;
    sum.acts += entries.acts;
    sum.refusals += entries.refusals;
    sum.entries += entries.acts + entries.refusals + entries.others;
  }
  return sum;
}
