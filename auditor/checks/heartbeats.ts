import type { EntryFindings } from "../auditEntries.ts";
import type { Anchor } from "../chain/chainReader.ts";
import { holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether each agent that promised signs of life gave them. A heartbeat promises that the next entry comes within so many
 * blocks; every entry is a sign of life; `0` ends the promise. A silence longer than promised breaks no evidence (a process
 * may die), and an unbroken `seq` after it shows that nothing was taken out. But an agent that went silent for good looks
 * like one whose last entries were kept back with the log's help: this verdict says that there is something to ask.
 *
 * @param anchor by whose block an agent's last entry should have had a successor
 */
export function checkHeartbeats(findings: readonly EntryFindings[], anchor: Anchor | undefined): Verdict[] {
  const own = findings.filter(({ signatureHolds }) => signatureHolds);
  return [...Map.groupBy(own, ({ entry }) => entry.decoded.claims.iss).values()].flatMap((entries) => {
    return checkAgent(entries, anchor);
  });
}

function checkAgent(findings: readonly EntryFindings[], anchor: Anchor | undefined): Verdict[] {
  const verdicts: Verdict[] = [];
  let promised: number | undefined;
  let wasPromised = false;
  let last: EntryFindings["entry"] | undefined;
  for (const { entry } of findings) {
    const { nb, kind, everyBlocks } = entry.decoded.claims;
    if (last && promised !== undefined) {
      const verdict = silence(last, promised, nb.blockNumber, entry.subject.seq);
      if (verdict) verdicts.push(verdict);
    }
    if (kind === "heartbeat" && everyBlocks !== undefined) promised = everyBlocks === 0 ? undefined : everyBlocks;
    wasPromised ||= promised !== undefined;
    last = entry;
  }
  if (!last || !wasPromised) return [];
  if (promised !== undefined && anchor) {
    const verdict = silence(last, promised, anchor.blockNumber, undefined);
    if (verdict) verdicts.push(verdict);
  }
  if (verdicts.length > 0) return verdicts;
  const detail = "The agent gave every sign of life that it promised.";
  return [holds("heartbeat", { agent: last.decoded.claims.iss }, detail)];
}

/** @param nextSeq of the entry that ended the silence; undefined if the checkpoint's anchor did */
function silence(
  { decoded, subject }: EntryFindings["entry"],
  promised: number,
  untilBlock: number,
  nextSeq: number | undefined,
): Verdict | undefined {
  const fromBlock = decoded.claims.nb.blockNumber;
  if (untilBlock - fromBlock <= promised) return undefined;
  const end =
    nextSeq === undefined
      ? "the checkpoint was anchored: it went silent, or its last entries were kept back"
      : nextSeq === decoded.claims.seq + 1
        ? `its entry ${nextSeq} came, which follows on: it was silent, nothing is missing`
        : `its entry ${nextSeq} came, and the entries between are missing`;
  return unproven("heartbeat", subject, "AUDIT_HEARTBEAT_MISSED", {
    expected: `an entry by block ${fromBlock + promised}`,
    found: untilBlock,
    detail: `The agent gave no sign of life after block ${fromBlock} until ${end}.`,
  });
}
