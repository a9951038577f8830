import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { holds, unproven, type Verdict } from "../verdict.ts";

/**
 * How far an agent's clock and the chain's may differ, in seconds; also the longest that a guard lets a call live, so the
 * longest that may lie between a call and its entry.
 */
export const clockSkewSec = 300;

/**
 * Whether the time that an agent gives its entry can be true: not before its block was made, not after its anchor's, and
 * not before that of its entry before. It is the agent's word all the same; what is proven is the two blocks.
 * @param previous the agent's entry before this one in the file
 * @returns undefined where nothing speaks against it and nothing is there to compare it with
 */
export async function checkClock(
  { subject, decoded }: AuditedEntry,
  previous: AuditedEntry | undefined,
  upperBound: number | null,
  chain: ChainReader | undefined,
): Promise<Verdict | undefined> {
  const { iat, nb, seq } = decoded.claims;
  // Of entries that stand in another order than the agent's own, the sequence speaks.
  const before = previous && previous.decoded.claims.seq < seq ? previous.decoded.claims.iat : 0;
  if (iat < before) {
    const detail = "By the agent's own clock this entry came before the one before it.";
    return unproven("clock", subject, "AUDIT_CLOCK_DECREASES", { expected: before, found: iat, detail });
  }
  if (!chain || upperBound === null) return undefined; // what bounds the act is missing, and said to be
  const [earliest, latest] = await Promise.all([chain.blockTimeSec(nb.blockNumber), chain.blockTimeSec(upperBound)]);
  if (earliest === null || latest === null) return undefined; // such a block is no block of the chain, which is said too
  if (iat < earliest - clockSkewSec || iat > latest + clockSkewSec) {
    const expected = `${earliest} to ${latest}, give or take ${clockSkewSec}`;
    const detail = "By the agent's clock the act lies outside of the time between its block and its anchor.";
    return unproven("clock", subject, "AUDIT_CLOCK_OUTSIDE", { expected, found: iat, detail });
  }
  return holds("clock", subject, "The agent's clock agrees with the blocks.");
}
