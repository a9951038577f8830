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
  readonly acts: number;
  readonly refusals: number;
  readonly others: number;
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

/** Counts over all agents, for whoever compares. */
export function countsOf({ agents }: Pick<SystemState, "agents">): { acts: number; refusals: number; entries: number } {
  const sum = { acts: 0, refusals: 0, entries: 0 };
  for (const { acts, refusals, others } of agents) {
    sum.acts += acts;
    sum.refusals += refusals;
    sum.entries += acts + refusals + others;
  }
  return sum;
}
