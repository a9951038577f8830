import { toHex } from "../../protocol/encoding/hex.ts";
import { type Evidence, evidenceLineOf } from "../../protocol/evidence/types.ts";
import { type Anchor, type ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";
import { type TreeHead } from "./checkpoint.ts";

/**
 * Whether the checkpoint's size and root stand on the chain, in the anchor that the file names. The index must be that of
 * the first anchor so far along: every fact has one spelling in the file. The contract took each anchor only with a
 * consistency proof from the one before, so an anchored root also vouches for the order of everything below it.
 *
 * @returns the anchor when it holds
 */
export async function checkAnchor(
  evidence: Evidence,
  head: TreeHead | undefined,
  chain: ChainReader | undefined,
): Promise<{ verdict: Verdict; anchor?: Anchor }> {
  const subject = { line: evidenceLineOf(evidence, "checkpoint") };
  const index = evidence.checkpoint.anchorIndex;
  if (index === null) {
    const detail =
      "The checkpoint was not anchored yet when the evidence was written; export again after the next anchor.";
    return { verdict: unproven("anchor", subject, "AUDIT_ANCHOR_NOT_CLAIMED", { detail }) };
  }
  if (!chain) {
    const detail = `Whether the root stands on the chain as anchor ${index}, the chain would say.`;
    return { verdict: unproven("anchor", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail }) };
  }
  if (!head) {
    const detail = "There is no readable checkpoint to compare the anchor with.";
    return { verdict: fails("anchor", subject, "AUDIT_CHECKPOINT_MALFORMED", { detail }) };
  }
  const { logId, contracts } = evidence.header;
  const [anchor, first] = await Promise.all([
    chain.anchorAt(contracts.logAnchor, logId, index),
    head.size > 0 ? chain.firstAnchorCovering(contracts.logAnchor, logId, head.size - 1) : null,
  ]);
  if (!anchor) {
    const detail = `The log has no anchor ${index}.`;
    return { verdict: fails("anchor", subject, "AUDIT_ANCHOR_UNKNOWN", { found: index, detail }) };
  }
  const claimed = `size ${head.size}, root ${toHex(head.root)}`;
  const anchored = `size ${anchor.size}, root ${anchor.root}`;
  if (claimed !== anchored) {
    const detail = `Anchor ${index} holds another tree than the checkpoint.`;
    return {
      verdict: fails("anchor", subject, "AUDIT_ANCHOR_MISMATCH", { expected: anchored, found: claimed, detail }),
    };
  }
  if (first !== index) {
    const detail = "An earlier anchor already covers the checkpoint.";
    return { verdict: fails("anchor", subject, "AUDIT_ANCHOR_NOT_FIRST", { expected: first, found: index, detail }) };
  }
  const detail = `The root over ${anchor.size} entries stands in block ${anchor.blockNumber} as anchor ${index}.`;
  return { verdict: holds("anchor", subject, detail), anchor };
}
