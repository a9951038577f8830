import { utf8 } from "../../protocol/encoding/bytes.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { leafHash } from "../../protocol/log/hash.ts";
import { verifyInclusion } from "../../protocol/log/inclusion.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, type Verdict } from "../verdict.ts";
import type { TreeHead } from "./checkpoint.ts";

/** Whether the entry is the leaf at its index in the checkpoint's tree. */
export function checkInclusion(entry: AuditedEntry, head: TreeHead | undefined): Verdict {
  const { index, leaf, proof } = entry.evidence;
  if (!head) {
    return fails("inclusion", entry.subject, "AUDIT_CHECKPOINT_MALFORMED", {
      detail: "There is no readable checkpoint whose tree could hold the entry.",
    });
  }
  const claim = {
    index,
    size: head.size,
    leafHash: leafHash(utf8(leaf)),
    proof: proof.map((hash) => fromHex(hash, 32)),
    root: head.root,
  };
  if (verifyInclusion(claim)) {
    return holds("inclusion", entry.subject, `Leaf ${index} of the ${head.size} under the checkpoint's root.`);
  }
  return fails("inclusion", entry.subject, "AUDIT_INCLUSION", {
    expected: toHex(head.root),
    detail: `The proof does not lead from this entry at index ${index} to the root over ${head.size} entries.`,
  });
}
