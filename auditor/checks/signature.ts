import type { Ed25519Verify } from "../../protocol/ed25519/verify.ts";
import { verifyEntrySignature } from "../../protocol/entry/verifyEntry.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, type Verdict } from "../verdict.ts";

/** Whether the key that the entry names signed it. That the key is the agent's, `signing-key` says. */
export function checkSignature(entry: AuditedEntry, verify: Ed25519Verify): Verdict {
  if (verifyEntrySignature(entry.decoded, verify)) {
    return holds("signature", entry.subject, "Signed by the key that the entry names.");
  }
  return fails("signature", entry.subject, "AUDIT_SIGNATURE", {
    found: entry.signingKey,
    detail: "The key that the entry names did not sign it: it was altered, or somebody else signed.",
  });
}
