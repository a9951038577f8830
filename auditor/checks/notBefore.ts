import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether the block that an entry names is on the chain: its hash cannot be known before it exists, so the entry was not
 * signed before it. An agent's blocks may not go back either, or a later act could be dated before an earlier one.
 *
 * @param previous the agent's entry before this one in the file
 */
export async function checkNotBefore(
  entry: AuditedEntry,
  previous: AuditedEntry | undefined,
  chain: ChainReader | undefined,
): Promise<Verdict> {
  const { nb } = entry.decoded.claims;
  const floor = previous?.decoded.claims.nb.blockNumber ?? 0;
  if (nb.blockNumber < floor) {
    return fails("not-before", entry.subject, "AUDIT_BLOCK_DECREASES", {
      expected: floor,
      found: nb.blockNumber,
      detail: `The entry names block ${nb.blockNumber}, the agent's entry before it block ${floor}.`,
    });
  }
  if (!chain) {
    return unproven("not-before", entry.subject, "AUDIT_CHAIN_NOT_GIVEN", {
      expected: nb.blockHash,
      detail: `Whether block ${nb.blockNumber} has this hash, the chain would say.`,
    });
  }
  const found = await chain.blockHash(nb.blockNumber);
  if (found === null) {
    return fails("not-before", entry.subject, "AUDIT_BLOCK_UNKNOWN", {
      found: nb.blockNumber,
      detail: `The chain has no block ${nb.blockNumber}.`,
    });
  }
  if (found !== nb.blockHash) {
    return fails("not-before", entry.subject, "AUDIT_BLOCK_HASH", {
      expected: found,
      found: nb.blockHash,
      detail: `Block ${nb.blockNumber} of the chain has another hash than the entry says.`,
    });
  }
  return holds("not-before", entry.subject, `Signed after block ${nb.blockNumber} existed.`);
}
