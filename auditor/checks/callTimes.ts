import type { Delegation } from "../../protocol/ucan/delegation.ts";
import type { Invocation } from "../../protocol/ucan/invocation.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, unproven, type Verdict } from "../verdict.ts";
import { clockSkewSec } from "./clock.ts";

interface Where {
  readonly chain: ChainReader;
  readonly upperBound: number | null;
}

/**
 * Whether a call and its contracts were in their time, by the times of blocks: the entry's block and its anchor's are what
 * is proven, the agent's own clock decides nothing. A contract that ended before the entry's block, or began after its
 * anchor's, allowed nothing. Where it ended or began in between, which came first is not proven. A call itself lives for
 * minutes, and anchors are further apart than that: of its end only the entry's block is asked.
 */
export async function callTimes(
  { subject, decoded }: AuditedEntry,
  invocation: Invocation,
  links: readonly Delegation[],
  { chain, upperBound }: Where,
): Promise<Verdict[]> {
  const { blockNumber } = decoded.claims.nb;
  const [notBefore, notAfter] = await Promise.all([
    chain.blockTimeSec(blockNumber),
    upperBound === null ? null : chain.blockTimeSec(upperBound),
  ]);
  if (notBefore === null || (upperBound !== null && notAfter === null)) {
    const detail = "The chain does not say when the entry's block or its anchor's was made.";
    return [unproven("call", subject, "AUDIT_BLOCK_UNKNOWN", { found: blockNumber, detail })];
  }
  const verdicts: Verdict[] = [];
  const ended = (what: string, endSec: number | null): boolean => {
    if (endSec === null || notBefore < endSec + clockSkewSec) return false;
    const detail = `${what} had ended when block ${blockNumber} was made, which the entry came after.`;
    const words = { expected: `before ${timeOf(endSec)}`, found: timeOf(notBefore), detail };
    verdicts.push(fails("call", subject, "AUDIT_CALL_TIME", words));
    return true;
  };
  ended("The call", invocation.expiresAtSec);
  for (const [i, { expiresAtSec, notBeforeSec }] of links.entries()) {
    if (!ended(`Link ${i + 1}`, expiresAtSec) && isReached(expiresAtSec, notAfter, clockSkewSec)) {
      const detail = `Link ${i + 1} ended between the entry's block and its anchor: which came first is not proven.`;
      verdicts.push(unproven("call", subject, "AUDIT_CALL_TIME_IN_WINDOW", { found: timeOf(expiresAtSec), detail }));
    }
    if (notBeforeSec === undefined) continue;
    if (notAfter !== null && notAfter < notBeforeSec) {
      const detail = `Link ${i + 1} had not begun when the entry was anchored.`;
      const words = { expected: `from ${timeOf(notBeforeSec)}`, found: timeOf(notAfter), detail };
      verdicts.push(fails("call", subject, "AUDIT_CALL_TIME", words));
    } else if (notBefore < notBeforeSec - clockSkewSec) {
      const detail = `Link ${i + 1} began between the entry's block and its anchor: which came first is not proven.`;
      verdicts.push(unproven("call", subject, "AUDIT_CALL_TIME_IN_WINDOW", { found: timeOf(notBeforeSec), detail }));
    }
  }
  return verdicts;
}

/** Whether a contract's end may have been over by the anchor; with no anchor that is said of the entry. */
function isReached(endSec: number | null, notAfter: number | null, skewSec: number): endSec is number {
  return endSec !== null && notAfter !== null && notAfter >= endSec + skewSec;
}

function timeOf(sec: number): string {
  const date = new Date(sec * 1000);
  return Number.isNaN(date.getTime()) ? `second ${sec}` : date.toISOString().replace(".000Z", "Z");
}
