import type { Hex } from "../protocol/encoding/hex.ts";
import type { CompiledPolicy } from "../protocol/policy/compile.ts";
import { evaluateAct } from "../protocol/policy/evaluate.ts";
import type { PolicyAct } from "../protocol/policy/types.ts";
import type { AuditedEntry } from "./auditedEntry.ts";
import type { OpenedDisclosures } from "./checks/disclosures.ts";

/** What a rule of a policy says of one act: no doubt about the evidence, but about the agent. */
export interface ConformityFinding {
  readonly entryId: Hex;
  /** Line of the evidence file, from 1. */
  readonly line: number;
  readonly agent: string;
  readonly seq: number;
  readonly act: string;
  readonly thread?: string;
  readonly policy: Hex;
  readonly ruleId: string;
  /** The rule in words. */
  readonly rule: string;
  readonly outcome: "violated" | "undecidable";
  /** The facts on which it was violated, or why it is undecidable. */
  readonly detail: string;
}

export interface Conformity {
  /** Acts whose evidence holds so far that they can be judged. */
  readonly judged: number;
  readonly conform: number;
  readonly violate: number;
  /** Acts on which some rule is undecidable and none is violated. */
  readonly undecidable: number;
  /** Acts that were not judged: their signature fails, or their policy is not in the file. */
  readonly notJudged: number;
  /** Refusals, heartbeats and key events: nothing was done that a policy could forbid. */
  readonly notActs: number;
  readonly findings: readonly ConformityFinding[];
}

/** An entry with what is known of it after the checks. */
export interface JudgeableEntry {
  readonly entry: AuditedEntry;
  readonly opened: OpenedDisclosures;
  /** Digests without a disclosure that matches: 0 when everything that was recorded is in the file. */
  readonly withheld: number;
  readonly signatureHolds: boolean;
}

/**
 * Judges every act by the policy that its entry names, in the order of the log. What came before an act are the agent's
 * earlier acts in the same thread; an entry without thread stands alone. Entries whose signature fails are nobody's acts.
 */
export async function judgeConformity(
  entries: readonly JudgeableEntry[],
  policies: ReadonlyMap<Hex, CompiledPolicy>,
  onProgress: (done: number, total: number) => void,
): Promise<Conformity> {
  const threads = new Map<string, PolicyAct[]>();
  const findings: ConformityFinding[] = [];
  const count = { judged: 0, conform: 0, violate: 0, undecidable: 0, notJudged: 0, notActs: 0 };
  for (const [position, { entry, opened, withheld, signatureHolds }] of entries.entries()) {
    onProgress(position, entries.length);
    const { claims } = entry.decoded;
    if (claims.kind !== "act") {
      count.notActs++;
      continue;
    }
    const policy = policies.get(claims.policy);
    if (!signatureHolds || !policy) {
      count.notJudged++;
      continue;
    }
    const act: PolicyAct = { act: claims.act, seq: claims.seq, ...opened, allDisclosed: withheld === 0 };
    const before = claims.thread === undefined ? [] : threadOf(threads, `${claims.iss} ${claims.thread}`);
    const conformity = await evaluateAct(policy, claims.iss, act, before);
    before.push(act);
    count.judged++;
    count[
      conformity.outcome === "conforms" ? "conform" : conformity.outcome === "violates" ? "violate" : "undecidable"
    ]++;
    for (const finding of conformity.findings) findings.push({ ...identityOf(entry), ...finding });
  }
  onProgress(entries.length, entries.length);
  return { ...count, findings };
}

function threadOf(threads: Map<string, PolicyAct[]>, key: string): PolicyAct[] {
  const known = threads.get(key);
  if (known) return known;
  const fresh: PolicyAct[] = [];
  threads.set(key, fresh);
  return fresh;
}

function identityOf(entry: AuditedEntry) {
  const { iss, seq, act, thread, policy } = entry.decoded.claims;
  return {
    entryId: entry.decoded.entryId,
    line: entry.subject.line ?? 0,
    agent: iss,
    seq,
    act,
    ...(thread === undefined ? {} : { thread }),
    policy,
  };
}
