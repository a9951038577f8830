import type { Hex } from "../protocol/encoding/hex.ts";
import type { CompiledPolicy } from "../protocol/policy/compile.ts";
import { isRefusalOutput } from "../protocol/entry/refusal.ts";
import { evaluateWithFacts } from "../protocol/policy/evaluate.ts";
import type { ActFacts } from "../protocol/policy/facts.ts";
import { ActHistory } from "../protocol/policy/history.ts";
import { type ActConformity, builtInRules, type PolicyAct } from "../protocol/policy/types.ts";
import type { AuditedEntry } from "./auditedEntry.ts";
import type { OpenedDisclosures } from "./checks/disclosures.ts";
import type { Verdict } from "./verdict.ts";

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

/** What the audit says of the conduct in one entry. */
export type Conduct = ActConformity["outcome"] | "not judged" | "no act";

export interface Judgement {
  readonly conduct: Conduct;
  /** What the rules read; only where one of them was not simply kept. */
  readonly facts?: ActFacts;
}

export interface Conformity {
  /** Acts whose evidence holds so far that they can be judged. */
  readonly judged: number;
  readonly conform: number;
  readonly violate: number;
  /** Acts on which some rule is undecidable and none is violated. */
  readonly undecidable: number;
  /** Acts that were not judged: they are not signed with a key of the agent, or their policy is not in the file. */
  readonly notJudged: number;
  /** Refusals that show that they are one, heartbeats and key events: nothing was done that a policy could forbid. */
  readonly notActs: number;
  readonly findings: readonly ConformityFinding[];
  /** One for each entry, in the order of the log. */
  readonly judgements: readonly Judgement[];
}

/** An entry with what is known of it after the checks. */
export interface JudgeableEntry {
  readonly entry: AuditedEntry;
  readonly opened: OpenedDisclosures;
  /** Digests without a disclosure that matches: 0 when everything that was recorded is in the file. */
  readonly withheld: number;
  readonly signatureHolds: boolean;
  readonly verdicts: readonly Verdict[];
}

/**
 * Judges every act by the policy that its entry names, in the order of the log. What came before an act are the agent's
 * earlier acts in the thread that the policy names. Entries whose signature fails, or was made with a key that was not the
 * agent's, are not its acts.
 *
 * What an entry calls itself decides nothing in its author's favour: a refusal whose output is none is an act, and so is
 * a heartbeat that carries values. Where entries of the agent are missing, nobody can tell what came before the later ones.
 */
export async function judgeConformity(
  entries: readonly JudgeableEntry[],
  policies: ReadonlyMap<Hex, CompiledPolicy>,
  onProgress: (done: number, total: number) => void,
): Promise<Conformity> {
  const pasts = new Map<string, Past>();
  const findings: ConformityFinding[] = [];
  const judgements: Judgement[] = [];
  const count = { judged: 0, conform: 0, violate: 0, undecidable: 0, notJudged: 0, notActs: 0 };
  for (const [position, judgeable] of entries.entries()) {
    onProgress(position, entries.length);
    const { entry, opened, withheld } = judgeable;
    const { claims } = entry.decoded;
    const policy = policies.get(claims.policy);
    const nature = natureOf(judgeable, policy);
    if (!isSignedByAgent(judgeable)) {
      count[nature === "no act" ? "notActs" : "notJudged"]++;
      judgements.push({ conduct: nature === "no act" ? "no act" : "not judged" });
      continue;
    }
    const past = pastOf(pasts, claims.iss);
    past.next(claims.seq);
    if (nature === "no act") {
      count.notActs++;
      judgements.push({ conduct: "no act" });
      continue;
    }
    const own = claims.thread === undefined ? {} : { thread: claims.thread };
    const act: PolicyAct = { act: claims.act, seq: claims.seq, ...opened, ...own, allDisclosed: withheld === 0 };
    if (policy) {
      const before = await past.history.before(policy, act);
      const { conformity: judged, facts } = await evaluateWithFacts(policy, claims.iss, act, before);
      const conformity = nature === "perhaps" ? doubted(judged) : judged;
      judgements.push({ conduct: conformity.outcome, ...(conformity.findings.length > 0 ? { facts } : {}) });
      count.judged++;
      count[counters[conformity.outcome]]++;
      for (const finding of conformity.findings) findings.push({ ...identityOf(entry), ...finding });
    } else {
      count.notJudged++;
      judgements.push({ conduct: "not judged" });
    }
    if (nature === "act") past.history.add(act);
    else past.history.leaveOpen(`entry ${claims.seq} is called a refusal and does not show that it is one`);
  }
  onProgress(entries.length, entries.length);
  return { ...count, findings, judgements };
}

function isSignedByAgent({ signatureHolds, verdicts }: JudgeableEntry): boolean {
  return signatureHolds && !verdicts.some(({ check, outcome }) => check === "signing-key" && outcome === "fails");
}

const counters = { conforms: "conform", violates: "violate", undecidable: "undecidable" } as const;

/** Whether something was done, as far as the entry shows it. */
function natureOf({ entry, opened }: JudgeableEntry, policy: CompiledPolicy | undefined): "act" | "no act" | "perhaps" {
  const { act, kind, _sd } = entry.decoded.claims;
  switch (kind) {
    case "act":
      return "act";
    case "refusal":
      if (isRefusalOutput(opened.output)) return "no act";
      return opened.output === undefined ? "perhaps" : "act";
    case "heartbeat":
      return act === "heartbeat" && _sd.length === 0 ? "no act" : "act";
    case "key-event":
      return _sd.length === 0 && !policy?.acts.has(act) ? "no act" : "act";
  }
}

/** What a rule says against an act that may have been refused stays open, and is no reproach. */
function doubted({ outcome, findings }: ActConformity): ActConformity {
  if (outcome === "conforms") return { outcome, findings };
  const [first] = findings;
  const ruleId = "refusal-not-shown" as const;
  const detail = `no output shows that it was refused; as an act: ${first?.ruleId ?? ""} (${first?.detail ?? ""})`;
  return { outcome: "undecidable", findings: [{ ruleId, rule: builtInRules[ruleId], outcome: "undecidable", detail }] };
}

/** What is known of an agent's earlier entries. */
class Past {
  readonly history = new ActHistory();
  #nextSeq = 0;

  next(seq: number): void {
    if (seq > this.#nextSeq) {
      this.history.leaveOpen(`entries ${this.#nextSeq} to ${seq - 1} of the agent are missing or not its own`);
    }
    this.#nextSeq = Math.max(this.#nextSeq, seq + 1);
  }
}

function pastOf(pasts: Map<string, Past>, agent: string): Past {
  const past = pasts.get(agent) ?? new Past();
  pasts.set(agent, past);
  return past;
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
