import type { Hex } from "../protocol/encoding/hex.ts";
import type { AuditCode } from "./codes.ts";

/** The checks, in the order of a reader's questions. One file each in `checks/`, except `evidence`: the reader itself. */
export const checkNames = [
  "evidence",
  "chain",
  "contracts",
  "log",
  "equivocation",
  "checkpoint",
  "operator",
  "anchor",
  "policy-bundle",
  "entry",
  "signature",
  "inclusion",
  "sequence",
  "not-before",
  "not-after",
  "clock",
  "issuer",
  "signing-key",
  "policy-in-force",
  "attestation",
  "disclosures",
  "call",
  "call-pair",
  "group-key",
  "completeness",
  "heartbeat",
] as const;
export type CheckName = (typeof checkNames)[number];

/** What a verdict is about. Absent fields do not apply, or could not be read. */
export interface Subject {
  /** Line of the evidence file, from 1. */
  readonly line?: number;
  readonly entryId?: Hex;
  /** DID. */
  readonly agent?: string;
  readonly seq?: number;
}

export type Outcome = "holds" | "fails" | "unproven";

export interface Verdict {
  readonly check: CheckName;
  readonly subject: Subject;
  readonly outcome: Outcome;
  /** `AUDIT_OK` exactly when it holds. */
  readonly code: AuditCode;
  readonly expected?: string;
  readonly found?: string;
  /** One sentence for people. */
  readonly detail: string;
}

export function holds(check: CheckName, subject: Subject, detail: string): Verdict {
  return { check, subject, outcome: "holds", code: "AUDIT_OK", detail };
}

export interface Contradiction {
  readonly detail: string;
  readonly expected?: string | number | bigint | null;
  readonly found?: string | number | bigint | null;
}

export function fails(check: CheckName, subject: Subject, code: AuditCode, why: Contradiction): Verdict {
  return { check, subject, outcome: "fails", code, ...words(why) };
}

export function unproven(check: CheckName, subject: Subject, code: AuditCode, why: Contradiction): Verdict {
  return { check, subject, outcome: "unproven", code, ...words(why) };
}

function words({ detail, expected, found }: Contradiction): { detail: string; expected?: string; found?: string } {
  return {
    detail,
    ...(expected === undefined ? {} : { expected: String(expected) }),
    ...(found === undefined ? {} : { found: String(found) }),
  };
}
