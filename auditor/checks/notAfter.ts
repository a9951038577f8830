import type { Hex } from "../../protocol/encoding/hex.ts";
import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { Anchor, ChainReader } from "../chain/chainReader.ts";
import { orElse } from "./silence.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

export interface UpperBound {
  /** Null where nothing bounds the entry from above, as far as is known. */
  readonly block: number | null;
  /** Set if an earlier bound may exist that the chain did not tell. */
  readonly silence?: AffiantError;
}

/**
 * The block of the first anchor that covers the entry: the act was done by then. An earlier anchor than the checkpoint's
 * may serve, because the contract has proof that each anchored tree extends the one before.
 *
 * @param anchor the checkpoint's anchor, undefined if it does not hold
 */
export async function upperBoundOf(
  entry: AuditedEntry,
  where: { readonly logAnchor: Hex; readonly logId: Hex },
  anchor: Anchor | undefined,
  chain: ChainReader | undefined,
): Promise<UpperBound> {
  if (!chain || !anchor || entry.evidence.index >= anchor.size) return { block: null };
  return orElse<UpperBound, UpperBound>(
    async () => ({ block: await firstCovering(entry, where, anchor, chain) }),
    (silence) => ({ block: anchor.blockNumber, silence }),
  );
}

async function firstCovering(
  entry: AuditedEntry,
  where: { readonly logAnchor: Hex; readonly logId: Hex },
  anchor: Anchor,
  chain: ChainReader,
): Promise<number> {
  const index = await chain.firstAnchorCovering(where.logAnchor, where.logId, entry.evidence.index);
  if (index === null) return anchor.blockNumber;
  const first = await chain.anchorAt(where.logAnchor, where.logId, index);
  return Math.min(first?.blockNumber ?? anchor.blockNumber, anchor.blockNumber);
}

/** Whether the act lies between two blocks: the one that it names, and the one of its anchor. */
export function checkNotAfter(entry: AuditedEntry, upperBound: number | null): Verdict {
  const { blockNumber } = entry.decoded.claims.nb;
  if (upperBound === null) {
    return unproven("not-after", entry.subject, "AUDIT_NO_UPPER_BOUND", {
      detail: "Without an anchor that holds, nothing says by when the act was done.",
    });
  }
  if (blockNumber > upperBound) {
    return fails("not-after", entry.subject, "AUDIT_BLOCK_AFTER_ANCHOR", {
      expected: `at most ${upperBound}`,
      found: blockNumber,
      detail: `The entry names block ${blockNumber} but was anchored in block ${upperBound} already.`,
    });
  }
  return holds("not-after", entry.subject, `Done by block ${upperBound}.`);
}
