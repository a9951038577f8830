import type { Journal } from "./journal.ts";
import type { AgentHead } from "../../protocol/api/types.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * Holds the journal against what the log has of this agent, before anything new is signed. A journal that was lost, or
 * restored from a backup, would otherwise make the agent sign a second entry under a number that is taken, which looks
 * like, and is punished like, a lie.
 * @throws AffiantError ERR_CONFLICT_JOURNAL_BEHIND, ERR_CONFLICT_JOURNAL_FORKED, ERR_PROOF_RECEIPT if the log lacks
 * entries that it acknowledged
 */
export function reconcile(journal: Journal, remote: Pick<AgentHead, "seq" | "entryId">, name: string): void {
  const local = journal.head();
  const acknowledged = journal.lastAcknowledgedSeq();
  if (remote.seq === null) {
    if (acknowledged !== null) throw lostEntries(acknowledged, null);
    return;
  }
  if (local === null || local.seq < remote.seq) throw behind(name, local?.seq ?? null, remote.seq);
  const mine = journal.entry(remote.seq);
  if (mine?.entryId !== remote.entryId) throw forked(remote.seq, mine?.entryId, remote.entryId);
  if (acknowledged !== null && acknowledged > remote.seq) throw lostEntries(acknowledged, remote.seq);
}

function behind(name: string, local: number | null, remote: number): AffiantError {
  const found = local === null ? "is empty" : `ends at entry ${local}`;
  return new AffiantError("ERR_CONFLICT_JOURNAL_BEHIND", `the journal ${found}, but the log has entry ${remote}`, {
    hint: `It was lost or restored from a backup. Read the missing entries back: affiant agent recover ${name}`,
    details: { localSeq: local, logSeq: remote },
  });
}

function forked(seq: number, local: string | undefined, remote: string | null): AffiantError {
  return new AffiantError("ERR_CONFLICT_JOURNAL_FORKED", `the journal and the log hold different entries ${seq}`, {
    hint: "The agent's keys were used from two places. Stop the other one; entries that only this journal has cannot be logged.",
    details: { seq, local, log: remote },
  });
}

function lostEntries(acknowledged: number, remote: number | null): AffiantError {
  const found = remote === null ? "has none of this agent's entries" : `ends at entry ${remote}`;
  return new AffiantError("ERR_PROOF_RECEIPT", `the log acknowledged entry ${acknowledged}, and now ${found}`, {
    hint: "The relayer lost or hides entries. Keep the journal: its receipts prove it.",
    details: { acknowledgedSeq: acknowledged, logSeq: remote },
  });
}
