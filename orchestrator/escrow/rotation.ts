/** What decides whether a group needs a new key. */
export interface GroupState {
  /** 0 = none was published. */
  readonly lastEpoch: bigint;
  readonly current: boolean;
  readonly publishedAtBlock: number;
  readonly blockNumber: number;
  /** Who was given the last epoch's key. */
  readonly holders: readonly string[];
  /** Who may have the next one: members of the group who are attested now, and whose encryption key is known. */
  readonly entitled: readonly string[];
  /** Epochs away from which somebody rotates: a proof of misdelivery holds, or a member can no longer open its key. */
  readonly demanded: ReadonlySet<bigint>;
}

export type RotationReason = "first" | "trust-lost" | "demanded" | "joined" | "scheduled";

/** Why the next epoch is due, the gravest reason first; undefined if it is not. @param maxAgeBlocks of an epoch */
export function rotationReason(state: GroupState, maxAgeBlocks: number): RotationReason | undefined {
  if (state.entitled.length === 0) return undefined; // nobody to give a key to
  if (state.lastEpoch === 0n) return "first";
  if (!state.current) return "trust-lost";
  if (state.demanded.has(state.lastEpoch)) return "demanded";
  const holders = new Set(state.holders.map((holder) => holder.toLowerCase()));
  if (state.entitled.some((agent) => !holders.has(agent.toLowerCase()))) return "joined";
  return state.blockNumber - state.publishedAtBlock >= maxAgeBlocks ? "scheduled" : undefined;
}
