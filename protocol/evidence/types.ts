import type { Hex } from "../encoding/hex.ts";
import type { PolicyBundle } from "../policy/types.ts";

export const evidenceFormat = "affiant-evidence/1";

/** Where the claims of a file are to be checked: which chain, which contracts, which log. */
export interface EvidenceHeader {
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** 20 bytes each, lower-case hex: an address has one spelling here. */
  readonly contracts: {
    readonly agentRegistry: Hex;
    readonly attestationRegistry: Hex;
    readonly contractRegistry: Hex;
    readonly logAnchor: Hex;
    readonly policyRegistry: Hex;
  };
  /** 32 bytes; the auditor derives it from `origin` again. */
  readonly logId: Hex;
  /** First line of the log's checkpoints (C2SP tlog-checkpoint). */
  readonly origin: string;
  /** Verifier key of the log's notes, `name+hash+base64` (C2SP signed-note). */
  readonly vkey: string;
}

/** The tree state against which all entries of the file prove their inclusion. */
export interface EvidenceCheckpoint {
  /** Index of the contract's record of this size and root; null when there was none. */
  readonly anchorIndex: number | null;
  /**
   * Block of the event `Anchored` with this size and root, for an anchor without record. Never both; both are null when the
   * log was not anchored that far yet.
   */
  readonly anchorBlock: number | null;
  /** The whole signed note. Its first signature is the log's; a second one may be its operator's statement. */
  readonly note: string;
}

export interface EvidenceEntry {
  /** The disclosures that the exporter gives away, sorted as text, none twice. Withheld ones are absent. */
  readonly disclosures: readonly string[];
  /** Position in the log, from 0. */
  readonly index: number;
  /** Compact JWS, ASCII. */
  readonly leaf: string;
  /** RFC 9162 inclusion proof towards the checkpoint's root, leaf side first; 32 bytes each. */
  readonly proof: readonly Hex[];
}

/** The log's word on where an agent's entries end under the file's checkpoint, so that a cut tail shows. */
export interface EvidenceHead {
  /** DID. */
  readonly agent: string;
  /** Signed note: `protocol/log/agentHead.ts`, with the log's signature alone. */
  readonly note: string;
}

/** What an evidence file says. Reading it proves nothing yet. */
export interface Evidence {
  readonly header: EvidenceHeader;
  /** Sorted by policy hash. */
  readonly policies: readonly PolicyBundle[];
  readonly checkpoint: EvidenceCheckpoint;
  /** Sorted by index; at least one. */
  readonly entries: readonly EvidenceEntry[];
  /** Sorted by agent, none twice. */
  readonly heads: readonly EvidenceHead[];
  /** On which lines these stand, in a damaged file; in a whole one that follows from how many there are. */
  readonly lines?: {
    readonly checkpoint: number;
    readonly policies: readonly number[];
    readonly entries: readonly number[];
    readonly heads: readonly number[];
  };
}

/**
 * Stands in for a header that cannot be read. It names no chain (0 is none), no contract and no log, so nothing can hold
 * because of it.
 */
export const lostHeader: EvidenceHeader = {
  chainId: 0,
  contracts: {
    agentRegistry: zero(20),
    attestationRegistry: zero(20),
    contractRegistry: zero(20),
    logAnchor: zero(20),
    policyRegistry: zero(20),
  },
  logId: zero(32),
  origin: "",
  vkey: "",
};

function zero(bytes: number): Hex {
  return `0x${"00".repeat(bytes)}`;
}

/** Line of the file (counted from 1) on which things stand; policies, entries and heads follow one another. */
export function evidenceLineOf(evidence: Evidence, part: "header" | "checkpoint"): number;
export function evidenceLineOf(evidence: Evidence, part: "policy" | "entry" | "head", position: number): number;
export function evidenceLineOf(
  evidence: Evidence,
  part: "header" | "checkpoint" | "policy" | "entry" | "head",
  position = 0,
) {
  if (part === "header") return 1;
  if (evidence.lines) {
    const { checkpoint, policies, entries, heads } = evidence.lines;
    if (part === "checkpoint") return checkpoint;
    return { policy: policies, entry: entries, head: heads }[part][position] ?? 0;
  }
  if (part === "policy") return 2 + position;
  if (part === "checkpoint") return 2 + evidence.policies.length;
  const firstEntry = 3 + evidence.policies.length;
  return firstEntry + position + (part === "head" ? evidence.entries.length : 0);
}
