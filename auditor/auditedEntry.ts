import { parseEthrDid } from "../protocol/did/ethr.ts";
import { type Hex, toHex } from "../protocol/encoding/hex.ts";
import { type DecodedEntry, decodeLeaf } from "../protocol/entry/leaf.ts";
import { type Evidence, type EvidenceEntry, evidenceLineOf } from "../protocol/evidence/types.ts";
import type { Subject } from "./verdict.ts";

/** An entry of the file that decodes, with what every check asks of it. */
export interface AuditedEntry {
  readonly evidence: EvidenceEntry;
  readonly decoded: DecodedEntry;
  readonly subject: Subject;
  /** 20 bytes, lower-case hex. */
  readonly agentAddress: Hex;
  /** 32 bytes, lower-case hex. */
  readonly signingKey: Hex;
}

/** An entry of the file whose leaf breaks the entry format. */
export interface UnreadableEntry {
  readonly subject: Subject;
  readonly why: string;
}

export function decodeEntries(evidence: Evidence): { entries: AuditedEntry[]; unreadable: UnreadableEntry[] } {
  const entries: AuditedEntry[] = [];
  const unreadable: UnreadableEntry[] = [];
  evidence.entries.forEach((entry, position) => {
    const line = evidenceLineOf(evidence, "entry", position);
    try {
      const decoded = decodeLeaf(entry.leaf);
      const { iss, seq } = decoded.claims;
      entries.push({
        evidence: entry,
        decoded,
        subject: { line, entryId: decoded.entryId, agent: iss, seq },
        agentAddress: parseEthrDid(iss).address.toLowerCase() as Hex,
        signingKey: toHex(decoded.publicKey),
      });
    } catch (error) {
      unreadable.push({ subject: { line }, why: error instanceof Error ? error.message : String(error) });
    }
  });
  return { entries, unreadable };
}
