import type { ActRecord, BlockTime } from "../../auditor/report/actRecord.ts";
import type { OpenedDisclosures } from "../../auditor/checks/disclosures.ts";
import type { Conduct } from "../../auditor/conformity.ts";
import type { CheckName, Outcome } from "../../auditor/verdict.ts";
import { toPrintableJson } from "../../protocol/text/escapeControls.ts";
import { type Amount, amountOf } from "./amount.ts";

/** A verdict that does not hold, once for all the acts that have the very same. */
export interface Problem {
  readonly check: CheckName;
  readonly outcome: Outcome;
  readonly code: string;
  readonly detail: string;
  readonly expected?: string;
  readonly found?: string;
}

export interface RowRule {
  readonly ruleId: string;
  readonly rule: string;
  readonly outcome: "violated" | "undecidable";
  readonly detail: string;
}

/** An act as the list has it: small enough for a hundred thousand of them. */
export interface Row {
  /** Its place among the acts, from 0. */
  readonly n: number;
  readonly line: number;
  readonly entryId: string;
  readonly agent: string;
  readonly seq: number;
  readonly kind: string;
  readonly act: string;
  readonly thread: string | null;
  readonly iatSec: number;
  readonly from: BlockTime;
  readonly to: BlockTime | null;
  readonly policyHash: string;
  readonly policyName: string | null;
  readonly contract: string | null;
  /** DID or key of the other side of a call. */
  readonly counterpart: string | null;
  /** Who asked for the act, if somebody did. */
  readonly caller: string | null;
  /** The task of the call: one for both its sides. */
  readonly task: string | null;
  readonly disclosed: OpenedDisclosures;
  readonly withheld: number;
  readonly amount: Amount | null;
  /** Null until it was checked: nothing is said of it before. */
  readonly proof: Outcome | null;
  readonly conduct: Conduct | null;
  readonly rules: readonly RowRule[];
  /** Indices into the audit's table of problems. */
  readonly problems: readonly number[];
  /** What the text search looks at, in lower case. */
  readonly text: string;
}

/** Collects what does not hold; the very same words are kept once. */
export class ProblemTable {
  readonly problems: Problem[] = [];
  readonly #indices = new Map<string, number>();

  indexOf({ check, outcome, code, detail, expected, found }: Problem): number {
    const key = JSON.stringify([check, outcome, code, detail, expected, found]);
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.problems.length;
    this.problems.push({
      check,
      outcome,
      code,
      detail,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
    });
    this.#indices.set(key, index);
    return index;
  }
}

export function rowOf(record: ActRecord, n: number, table: ProblemTable, nameOf: (did: string) => string): Row {
  const { call, disclosed } = record;
  const counterpart = call ? (call.role === "caller" ? call.callee : call.caller) : null;
  return {
    n,
    line: record.line,
    entryId: record.entryId,
    agent: record.agent,
    seq: record.seq,
    kind: record.kind,
    act: record.act,
    thread: record.thread,
    iatSec: record.iatSec,
    from: record.notBefore,
    to: record.notAfter,
    policyHash: record.policyHash,
    policyName: record.policyName,
    contract: record.contract,
    counterpart,
    caller: call?.role === "callee" ? call.caller : null,
    task: call?.task ?? null,
    disclosed,
    withheld: record.withheld,
    amount: amountOf(disclosed),
    proof: record.proof,
    conduct: record.conduct,
    rules: record.findings.map(({ ruleId, rule, outcome, detail }) => ({ ruleId, rule, outcome, detail })),
    problems: record.verdicts.filter(({ outcome }) => outcome !== "holds").map((verdict) => table.indexOf(verdict)),
    text: textOf(record, counterpart, nameOf),
  };
}

/** The context of a call holds its tokens, which nobody reads; they are in the ladder. */
export function textOf(
  record: Pick<ActRecord, "act" | "thread" | "agent" | "entryId" | "disclosed" | "findings">,
  counterpart: string | null,
  nameOf: (did: string) => string,
): string {
  const { input, output } = record.disclosed;
  const context = "call" in Object(record.disclosed.context ?? {}) ? undefined : record.disclosed.context;
  const values = [input, output, context].filter((value) => value !== undefined).map((value) => toPrintableJson(value));
  const rules = record.findings.map(({ ruleId, rule }) => `${ruleId} ${rule}`);
  const who = [record.agent, counterpart ?? ""].map((did) => `${nameOf(did)} ${did}`);
  return [record.act, record.thread ?? "", record.entryId, ...who, ...rules, ...values].join("\n").toLowerCase();
}
