import type { LineOff, SalvagedEvidence } from "../../protocol/evidence/salvageEvidence.ts";
import { type Evidence, evidenceLineOf, lostHeader } from "../../protocol/evidence/types.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { parseVerifierKey } from "../../protocol/log/noteKey.ts";
import type { AuditCode } from "../codes.ts";
import { fails, type Verdict } from "../verdict.ts";

/** Lines named one by one; the rest is counted. */
const maxNamed = 20;

/**
 * What a file that is not as it was sealed is called to account for: one failing verdict for each line that is off. Some
 * lines show it by their form or place; which of the others were changed, the verdicts on them tell, since every line
 * is bound to a signature, a proof or the chain.
 *
 * @param verdicts all others, on what is left of the file
 */
export function checkAlteration(salvaged: SalvagedEvidence, verdicts: readonly Verdict[]): Verdict[] {
  const off = new Map<number, string>();
  const add = (lines: readonly LineOff[]): void => {
    // The first reason is the nearest: a form that is broken says more than a place.
    for (const { line, why } of lines) if (!off.has(line)) off.set(line, why);
  };
  add(salvaged.off);
  // A seal over what the lines say once they are put right leaves nothing else to look for.
  const sound = salvaged.seal === "untouched" || salvaged.seal === "restored";
  if (!sound) add(changedLines(salvaged.evidence, verdicts));
  add(movedLines(salvaged, sound, new Set(off.keys())));
  if (salvaged.seal === "broken") add(missingLines(salvaged, verdicts, off.size));
  if (off.size === 0) add(unlocated(salvaged, verdicts));
  const sealWords = {
    untouched: "The seal is over the lines as they are.",
    restored: "Put right, the lines are those that were sealed: nothing else was changed.",
    broken: "The seal is broken: its digest is not that of the lines.",
    absent: "There is no seal.",
  }[salvaged.seal];
  const sorted = [...off].toSorted(([a], [b]) => a - b);
  return sorted.slice(0, maxNamed).map(([line, why], index) => {
    const rest = index === maxNamed - 1 ? sorted.length - maxNamed : 0;
    const more = rest > 0 ? ` ${rest} more lines are off.` : "";
    const detail = `Line ${line} is off: ${why}. ${sealWords}${more}`;
    return fails("evidence", { line }, "AUDIT_EVIDENCE_ALTERED", { detail });
  });
}

/**
 * Lines in another place than they were. Where a line of the same sort is off, it may stand in the right place with
 * another key: then its place says nothing.
 */
function movedLines({ evidence, misplaced }: SalvagedEvidence, sound: boolean, off: ReadonlySet<number>): LineOff[] {
  const { policies = [], entries = [], heads = [] } = evidence.lines ?? {};
  const doubtful = new Set(
    [policies, entries, heads].filter((own) => !sound && own.some((line) => off.has(line))).flat(),
  );
  return misplaced
    .filter((line) => !doubtful.has(line))
    .map((line) => ({ line, why: "it stands in another place than it was" }));
}

/** Lines of good form that say something else than they did. */
function changedLines(evidence: Evidence, verdicts: readonly Verdict[]): LineOff[] {
  const failed = verdicts.filter(({ outcome }) => outcome === "fails");
  const header = changeOfHeader(evidence, failed);
  const checkpointLine = evidenceLineOf(evidence, "checkpoint");
  const isLost = evidence.header === lostHeader;
  const checkpoint =
    header === undefined &&
    !isLost &&
    failed.some(({ check, subject }) => ofCheckpoint.has(check) && subject.line === checkpointLine)
      ? "its signatures or its anchor do not stand"
      : undefined;
  const sound = header === undefined && checkpoint === undefined && !isLost;
  const off = new Map<number, string>();
  if (header !== undefined) off.set(1, header);
  if (checkpoint !== undefined) off.set(checkpointLine, checkpoint);
  for (const { code, check, subject } of failed) {
    const why = changes[code];
    if (why === undefined || subject.line === undefined || off.has(subject.line)) continue;
    // What hangs on header or checkpoint shows no change of its own where these are changed.
    if (!sound && (check === "inclusion" || check === "completeness")) continue;
    off.set(subject.line, why);
  }
  return [...off].map(([line, why]) => ({ line, why }));
}

const ofCheckpoint: ReadonlySet<Verdict["check"]> = new Set(["checkpoint", "operator", "anchor"]);

/** Codes that show a change of the very line they are about. */
const changes: Partial<Record<AuditCode, string>> = {
  AUDIT_ENTRY_MALFORMED: "its leaf is no entry any more",
  AUDIT_SIGNATURE: "its leaf is not what was signed",
  AUDIT_DISCLOSURE: "a disclosure is not what the entry commits to",
  AUDIT_INCLUSION: "its index or proof does not lead to the checkpoint",
  AUDIT_POLICY_BUNDLE_UNUSED: "no entry names the policy as it is now",
  AUDIT_HEAD_MALFORMED: "its statement cannot be read",
  AUDIT_HEAD_SIGNATURE: "its statement is not what was signed",
  AUDIT_HEAD_OTHER: "its statement is about something else",
};

function changeOfHeader({ header, entries }: Evidence, failed: readonly Verdict[]): string | undefined {
  if (header === lostHeader) return undefined;
  try {
    if (parseVerifierKey(header.vkey).name !== header.origin) return "origin and vkey do not name one log";
    if (logIdOf(header.origin) !== header.logId) return "logId does not follow from origin";
  } catch {
    return "origin or vkey cannot be read";
  }
  const strangers = failed.filter(({ check }) => check === "issuer").length;
  if (entries.length > 0 && strangers >= entries.length) return "the agents are not of its chain";
  // Without a checkpoint that can be read nobody knows which key the log's registration is to be held to.
  const isNoteLost = failed.some(({ code }) => code === "AUDIT_CHECKPOINT_MALFORMED");
  const onChain = failed.find(({ check, code }) => {
    return check === "chain" || check === "contracts" || (check === "log" && !(isNoteLost && code === "AUDIT_LOG_KEY"));
  });
  return onChain && lowered(onChain.detail);
}

/** Lines that were there, by what others say of them. A line that cannot be read is not missed a second time. */
function missingLines(
  { evidence, missingEntries = 0, endLine = 0, lineCount }: SalvagedEvidence,
  verdicts: readonly Verdict[],
  unreadable: number,
): LineOff[] {
  const missing: LineOff[] = [];
  const firstEntry = evidence.lines?.entries[0] ?? lineCount;
  if (missingEntries > unreadable) missing.push(...missingEntriesOf(evidence, verdicts, missingEntries, endLine));
  if (missingEntries < 0) {
    missing.push({ line: endLine, why: `it counts ${-missingEntries} entries less than there are` });
  }
  for (const { code, subject, expected } of verdicts) {
    if (unreadable > 0) break;
    if (code === "AUDIT_POLICY_BUNDLE_MISSING" && expected !== undefined) {
      const after = evidence.policies.filter((bundle) => policyHashOf(bundle) < expected).length;
      const line = evidence.lines?.policies[after] ?? evidenceLineOf(evidence, "checkpoint");
      missing.push({ line, why: `the line of policy ${expected} is missing before it` });
    }
    if (code === "AUDIT_HEAD_ABSENT" && evidence.heads.length > 0) {
      const name = subject.agent ?? "";
      const after = evidence.heads.filter(({ agent }) => agent < name).length;
      missing.push({ line: evidence.lines?.heads[after] ?? endLine, why: `the head of ${name} is missing before it` });
    }
  }
  return missing.map((one) => (one.line === 0 ? { ...one, line: firstEntry } : one));
}

/** Where entries were taken out: holes in the log's indices if they are just that many, else the agents' own counting. */
function missingEntriesOf(
  { entries, lines }: Evidence,
  verdicts: readonly Verdict[],
  missing: number,
  endLine: number,
): LineOff[] {
  const holes = entries.flatMap(({ index }, position) => {
    const before = position === 0 ? -1 : (entries[position - 1]?.index ?? index);
    const count = index - before - 1;
    return count > 0 ? [{ count, line: lines?.entries[position] ?? 0, first: before + 1, last: index - 1 }] : [];
  });
  if (holes.reduce((sum, { count }) => sum + count, 0) === missing) {
    return holes.map(({ line, first, last }) => {
      const which =
        first === last ? `the entry of index ${first} is` : `the entries of indices ${first} to ${last} are`;
      return { line, why: `${which} missing before it` };
    });
  }
  const said = verdicts.flatMap(({ code, subject, detail }) => {
    if (code === "AUDIT_SEQUENCE_GAP" && subject.line !== undefined) {
      return [{ line: subject.line, why: `${lowered(detail)}` }];
    }
    const afterLast = (lines?.entries.at(-1) ?? endLine - 1) + 1;
    return code === "AUDIT_TAIL_CUT" ? [{ line: afterLast, why: `before it ${lowered(detail)}` }] : [];
  });
  return said.length > 0 ? said : [{ line: endLine, why: `it counts ${missing} more entries than there are` }];
}

function lowered(sentence: string): string {
  return (sentence.charAt(0).toLowerCase() + sentence.slice(1)).replace(/\.$/, "");
}

/** Everything else stands, so it is the seal itself; or it is what only the chain could have told. */
function unlocated({ evidence, endLine = 1 }: SalvagedEvidence, verdicts: readonly Verdict[]): LineOff[] {
  const asked = verdicts.some(({ check, outcome }) => check === "chain" && outcome === "holds");
  if (asked) return [{ line: endLine, why: "every other line stands, so it is the seal itself that was changed" }];
  const others = `line 1 (addresses) or ${evidenceLineOf(evidence, "checkpoint")} (anchor)`;
  return [{ line: endLine, why: `it was changed, or ${others} was: without the chain nobody can tell which` }];
}
