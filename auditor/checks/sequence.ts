import type { Hex } from "../../protocol/encoding/hex.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, type Verdict } from "../verdict.ts";

/**
 * Whether an agent's entries follow on: `seq` counts from 0 without gap or repetition, in the order of the log, and each
 * `prev` is the entry before. A missing entry, a fork and a reordering each have their code.
 *
 * That it ends where the agent ended is the check of completeness.
 *
 * @param entries all entries of one agent, by ascending index
 */
export function checkSequence(entries: readonly AuditedEntry[]): Verdict[] {
  const seen = new Map<number, Hex>();
  let next = 0;
  let last: Hex | null = null;
  return entries.map((entry) => {
    const { claims, entryId } = entry.decoded;
    const verdict = verdictFor(entry, next, last, seen);
    seen.set(claims.seq, entryId);
    // Go on from the highest seen: one missing entry is one verdict, not one for each that follows.
    if (claims.seq >= next) {
      next = claims.seq + 1;
      last = entryId;
    }
    return verdict;
  });
}

function verdictFor(entry: AuditedEntry, next: number, last: Hex | null, seen: ReadonlyMap<number, Hex>): Verdict {
  const { claims, entryId } = entry.decoded;
  const { seq, prev } = claims;
  const before = seen.get(seq);
  if (before === entryId) {
    const detail = "The same entry stands in the log twice.";
    return fails("sequence", entry.subject, "AUDIT_SEQUENCE_DUPLICATE", { found: seq, detail });
  }
  if (before !== undefined) {
    const detail = `The agent signed two different entries with sequence number ${seq}.`;
    return fails("sequence", entry.subject, "AUDIT_SEQUENCE_FORK", { expected: before, found: entryId, detail });
  }
  if (seq > next) {
    const missing = seq - next === 1 ? `entry ${next} is` : `entries ${next} to ${seq - 1} are`;
    const detail = `The agent's ${missing} missing before this one.`;
    return fails("sequence", entry.subject, "AUDIT_SEQUENCE_GAP", { expected: next, found: seq, detail });
  }
  if (seq < next) {
    const detail = `Entry ${seq} stands in the log after entry ${next - 1} of the same agent.`;
    return fails("sequence", entry.subject, "AUDIT_SEQUENCE_ORDER", { expected: next, found: seq, detail });
  }
  if (prev !== last) {
    const detail = "The entry names another one before it than the log holds.";
    return fails("sequence", entry.subject, "AUDIT_SEQUENCE_PREV", { expected: last, found: prev, detail });
  }
  return holds("sequence", entry.subject, seq === 0 ? "The agent's first entry." : `Follows entry ${seq - 1}.`);
}
