import type { AuditReport } from "../../auditor/report/auditReport.ts";
import type { ActRecord } from "../../auditor/report/actRecord.ts";
import type { TrustedContracts } from "../../auditor/checks/chain.ts";
import type { Verdict } from "../../auditor/verdict.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { Rung, RungName } from "./ladder.ts";
import type { Names } from "./names.ts";
import type { Problem, Row } from "./row.ts";

/** What the page asks of its worker. */
export type Request = AuditRequest | { readonly type: "detail"; readonly n: number };

export interface AuditRequest {
  readonly type: "audit";
  readonly bytes: Uint8Array;
  /** Cedar's WebAssembly, gzipped. */
  readonly cedar: Uint8Array;
  /** Null: nobody is asked. */
  readonly rpcUrl: string | null;
  readonly contracts: TrustedContracts | null;
  readonly keyEscrow: Hex | null;
  readonly names: Names;
}

/** An agent's standing as its entries show it, for the lanes. */
export interface TrustPoint {
  readonly agent: string;
  readonly block: number;
  readonly state: "attested" | "not trusted" | "unproven" | "unclaimed";
  /** The verdict's own words. */
  readonly detail: string;
}

export interface EpochUse {
  readonly group: string;
  readonly epoch: number;
  readonly agent: string;
  readonly firstBlock: number;
  readonly lastBlock: number;
  readonly acts: number;
}

/** The report, and what the page shows of the file beside its acts. Verdicts that hold are counted, not carried. */
export interface Overview {
  readonly report: Omit<AuditReport, "verdicts">;
  /** Verdicts that are about no single act. */
  readonly shared: readonly Verdict[];
  readonly problems: readonly Problem[];
  readonly trust: readonly TrustPoint[];
  readonly epochs: readonly EpochUse[];
  /** Blocks in which an anchor bounds acts, with how many entries of the file it is the first to cover. */
  readonly anchors: readonly { readonly block: number; readonly entries: number }[];
  /** Contracts that the acts name, in words, by CID. */
  readonly contracts: Readonly<Record<string, string>>;
}

/** A rule beside the facts on which it was judged. */
export interface RuleDetail {
  readonly ruleId: string;
  readonly rule: string;
  readonly outcome: "violated" | "undecidable";
  readonly detail: string;
  readonly facts: readonly FactDetail[];
  /** What would have been let pass; null where that has no plain words. */
  readonly allowed: string | null;
  /** The rule as the policy has it. */
  readonly source: string | null;
}

export interface FactDetail {
  readonly name: string;
  readonly state: "known" | "absent" | "unknown";
  readonly value: string;
  /** How it is derived from the record. */
  readonly expression: string;
}

export interface Raw {
  readonly title: string;
  readonly text: string;
}

/** One act with all that is behind it. */
export interface ActDetail {
  readonly n: number;
  readonly record: ActRecord;
  readonly rungs: readonly Rung[];
  readonly rules: readonly RuleDetail[];
  readonly raw: Readonly<Partial<Record<RungName, readonly Raw[]>>>;
  /** The contracts that allowed it, in words. */
  readonly contracts: readonly { readonly cid: string; readonly words: string }[];
}

/** What the worker says. */
export type Response =
  | { readonly type: "preview"; readonly rows: readonly Row[] }
  | { readonly type: "progress"; readonly stage: string; readonly done: number; readonly total: number }
  | { readonly type: "overview"; readonly overview: Overview }
  | { readonly type: "rows"; readonly rows: readonly Row[] }
  | { readonly type: "done" }
  /** The endpoint did not answer; the check goes on without it. */
  | { readonly type: "silent"; readonly message: string }
  | { readonly type: "detail"; readonly detail: ActDetail }
  | { readonly type: "failed"; readonly code: string; readonly message: string };
