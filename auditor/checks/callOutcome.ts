import { isRefusalOutput } from "../../protocol/entry/refusal.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { OpenedDisclosures } from "./disclosures.ts";

/** What became of a call, as far as an entry shows it. */
export type CallOutcome = "done" | "refused" | "withheld";

/**
 * The kind of an entry is its author's word. A refusal is one if what came of it says so; if that is withheld, nobody can
 * tell. Whatever else an entry of a call is called, the call was done.
 */
export function outcomeOf(entry: AuditedEntry, opened: OpenedDisclosures): CallOutcome {
  if (entry.decoded.claims.kind !== "refusal") return "done";
  if (opened.output !== undefined) return isRefusalOutput(opened.output) ? "refused" : "done";
  return entry.decoded.claims._sd.length > Object.keys(opened).length ? "withheld" : "done";
}
