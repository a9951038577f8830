import { type DisclosureName, openDisclosures } from "../../protocol/entry/disclosure.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, type Verdict } from "../verdict.ts";

export type OpenedDisclosures = Partial<Record<DisclosureName, Json>>;

/**
 * Whether each disclosure is one that the signed entry commits to. How many it commits to beyond those is said, since
 * withholding is allowed and must be visible. Nothing that does not match is handed on.
 */
export function checkDisclosures(entry: AuditedEntry): {
  verdict: Verdict;
  opened: OpenedDisclosures;
  withheld: number;
} {
  const digests = entry.decoded.claims._sd;
  const { disclosures } = entry.evidence;
  try {
    const opened = openDisclosures(digests, disclosures);
    const withheld = digests.length - disclosures.length;
    const names = Object.keys(opened).toSorted().join(", ") || "nothing";
    const detail =
      withheld === 0
        ? `Disclosed whole: ${names}.`
        : `Disclosed: ${names}; withheld: ${withheld} of ${digests.length}.`;
    return { verdict: holds("disclosures", entry.subject, detail), opened, withheld };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const verdict = fails("disclosures", entry.subject, "AUDIT_DISCLOSURE", { detail: `${sentence(detail)}` });
    // Also for an entry that commits to nothing: what came with it proves that the file is not what was recorded.
    return { verdict, opened: {}, withheld: Math.max(1, digests.length) };
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
