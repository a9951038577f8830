import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { type Evidence, type EvidenceCheckpoint, evidenceLineOf } from "../../protocol/evidence/types.ts";
import type { Anchor, ChainReader } from "../chain/chainReader.ts";
import { orElse, silenceVerdict } from "./silence.ts";
import { fails, holds, type Subject, unproven, type Verdict } from "../verdict.ts";
import type { TreeHead } from "./checkpoint.ts";

export interface AnchorFinding {
  readonly verdict: Verdict;
  /** The anchor when it holds. */
  readonly anchor?: Anchor;
  /** Why there is none, if the chain did not say: then nothing that an anchor bounds can hold. */
  readonly silence?: AffiantError;
}

interface Claim {
  readonly evidence: Evidence;
  readonly head: TreeHead;
  readonly chain: ChainReader;
  readonly subject: Subject;
}

export function isAnchorClaimed({ anchorIndex, anchorBlock }: EvidenceCheckpoint): boolean {
  return anchorIndex !== null || anchorBlock !== null;
}

/**
 * Whether the checkpoint's size and root stand on the chain: in the contract's record that the file names, or in the event
 * of the block that it names. The contract took each anchor only with a consistency proof from the one before, so an
 * anchored root also vouches for the order of everything below it, recorded or not.
 */
export async function checkAnchor(
  evidence: Evidence,
  head: TreeHead | undefined,
  chain: ChainReader | undefined,
): Promise<AnchorFinding> {
  const subject = { line: evidenceLineOf(evidence, "checkpoint") };
  const { anchorIndex, anchorBlock } = evidence.checkpoint;
  if (!isAnchorClaimed(evidence.checkpoint)) {
    const detail =
      "The checkpoint was not anchored yet when the evidence was written; export again after the next anchor.";
    return { verdict: unproven("anchor", subject, "AUDIT_ANCHOR_NOT_CLAIMED", { detail }) };
  }
  if (!chain) {
    const where = anchorIndex === null ? `in block ${anchorBlock}` : `as anchor ${anchorIndex}`;
    const detail = `Whether the root stands on the chain ${where}, the chain would say.`;
    return { verdict: unproven("anchor", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail }) };
  }
  if (!head) {
    const detail = "There is no readable checkpoint to compare the anchor with.";
    return { verdict: fails("anchor", subject, "AUDIT_CHECKPOINT_MALFORMED", { detail }) };
  }
  const claim = { evidence, head, chain, subject };
  return orElse<AnchorFinding, AnchorFinding>(
    () => (anchorIndex === null ? checkEvent(claim, anchorBlock ?? 0) : checkRecord(claim, anchorIndex)),
    (silence) => ({ verdict: silenceVerdict("anchor", subject, silence), silence }),
  );
}

/** The index must be that of the first record so far along: every fact has one spelling in the file. */
async function checkRecord({ evidence, head, chain, subject }: Claim, index: number): Promise<AnchorFinding> {
  const { logId, contracts } = evidence.header;
  const [anchor, first] = await Promise.all([
    chain.anchorAt(contracts.logAnchor, logId, index),
    head.size > 0 ? chain.firstAnchorCovering(contracts.logAnchor, logId, head.size - 1) : null,
  ]);
  if (!anchor) {
    const detail = `The log has no anchor ${index}.`;
    return { verdict: fails("anchor", subject, "AUDIT_ANCHOR_UNKNOWN", { found: index, detail }) };
  }
  if (!isSame(anchor, head)) {
    const detail = `Anchor ${index} holds another tree than the checkpoint.`;
    const why = { expected: words(anchor), found: words(head), detail };
    return { verdict: fails("anchor", subject, "AUDIT_ANCHOR_MISMATCH", why) };
  }
  if (first !== index) {
    const detail = "An earlier anchor already covers the checkpoint.";
    return { verdict: fails("anchor", subject, "AUDIT_ANCHOR_NOT_FIRST", { expected: first, found: index, detail }) };
  }
  const detail = `The root over ${anchor.size} entries stands in block ${anchor.blockNumber} as anchor ${index}.`;
  return { verdict: holds("anchor", subject, detail), anchor };
}

/** A size is anchored once, so one block at most has its event. A record made of it later changes nothing about that. */
async function checkEvent({ evidence, head, chain, subject }: Claim, blockNumber: number): Promise<AnchorFinding> {
  const { logId, contracts } = evidence.header;
  const anchors = await chain.anchoredIn(contracts.logAnchor, logId, blockNumber);
  const last = anchors.at(-1);
  if (!last) {
    const detail = `The log was not anchored in block ${blockNumber}, or the endpoint keeps no events of it.`;
    return { verdict: fails("anchor", subject, "AUDIT_ANCHOR_UNKNOWN", { found: blockNumber, detail }) };
  }
  const anchor = anchors.find((candidate) => isSame(candidate, head));
  if (!anchor) {
    const detail = `In block ${blockNumber} another tree was anchored than the checkpoint's.`;
    const why = { expected: words(last), found: words(head), detail };
    return { verdict: fails("anchor", subject, "AUDIT_ANCHOR_MISMATCH", why) };
  }
  const detail = `The root over ${anchor.size} entries was anchored in block ${blockNumber}, without a record.`;
  return { verdict: holds("anchor", subject, detail), anchor };
}

function isSame(anchor: Anchor, head: TreeHead): boolean {
  return words(anchor) === words(head);
}

function words({ size, root }: Anchor | TreeHead): string {
  return `size ${size}, root ${typeof root === "string" ? root : toHex(root)}`;
}
