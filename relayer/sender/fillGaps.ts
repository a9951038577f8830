import type { LanePass } from "./lanePass.ts";
import { signFiller } from "./signSlot.ts";

/**
 * A nonce that the journal counts as used, but that no job holds and the chain does not have, stops all that come
 * behind it: another program's transaction that took it was lost in a reorg. A no-op takes its place.
 */
export async function fillGaps(pass: LanePass): Promise<void> {
  const { journal, onChain } = pass;
  const next = journal.nextNonce();
  if (onChain >= next) return;
  const held = new Set(journal.noncesFrom(onChain));
  for (let nonce = onChain; nonce < next; nonce++) {
    if (held.has(nonce)) continue;
    const { filler, attempt } = await signFiller(pass, nonce);
    journal.fill(filler, attempt);
  }
}
