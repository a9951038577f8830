import type { EvidenceHeader } from "../../protocol/evidence/types.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, type Verdict } from "../verdict.ts";

/** Whether the agent's DID is one of the chain that the file speaks of: on another chain its address is somebody else. */
export function checkIssuer(entry: AuditedEntry, header: EvidenceHeader): Verdict {
  const { chainId } = entry.decoded.claims.nb; // decoding made sure that the DID has the same
  if (chainId !== header.chainId) {
    return fails("issuer", entry.subject, "AUDIT_ISSUER_CHAIN", {
      expected: header.chainId,
      found: chainId,
      detail: "The agent's DID is on another chain than the evidence.",
    });
  }
  return holds("issuer", entry.subject, "An agent of this chain.");
}
