import { type AttestationResult, attestationResults, freshSeats } from "../../protocol/attestation/types.ts";
import type { Verdict } from "../verifier/signVerdict.ts";

/** How a drawn verifier stands when verdicts are put together. */
export interface Seat {
  readonly verifier: string;
  /** May verify now: trusted, or expired, and active. The contract passes over who may not. */
  readonly able: boolean;
  readonly verdict: Verdict | undefined;
  /** The service asked it at least once in this phase. */
  readonly asked: boolean;
}

export type Choice =
  /** Send these, in this order. `consulted`: how many of the drawn ones that reaches to. */
  | { readonly kind: "record"; readonly verdicts: readonly Verdict[]; readonly consulted: number }
  /** These have to be asked; until their verdicts are in, or may be passed over, nothing can be recorded. */
  | { readonly kind: "wait"; readonly ask: readonly string[] }
  /** All drawn ones are used up: the service has to take the last seat, behind these. */
  | { readonly kind: "service"; readonly verdicts: readonly Verdict[]; readonly consulted: number };

/**
 * Walks the drawn verifiers as the contract does (`AttestationVerdicts`, first panel): a time-out or a silent verifier
 * costs one seat more, one FAIL is enough and waits for nobody.
 * @param maySkip whether the block is reached from which absent verifiers are passed over
 */
export function chooseFirst(drawn: readonly Seat[], seats: number, maySkip: boolean): Choice {
  const failing = drawn.findIndex(({ able, verdict }) => able && verdict !== undefined && says(verdict, "fail"));
  if (failing >= 0) {
    const verdicts = heard(drawn.slice(0, failing + 1));
    return { kind: "record", verdicts, consulted: failing + 1 };
  }
  const [ask, verdicts]: [string[], Verdict[]] = [[], []];
  let [needed, taken, timeouts, consulted] = [seats, 0, 0, 0];
  for (const { verifier, able, verdict, asked } of drawn) {
    if (taken >= needed || timeouts >= seats) break;
    consulted++;
    if (!able) continue;
    taken++;
    if (verdict) {
      verdicts.push(verdict);
      if (says(verdict, "timeout")) [needed, timeouts] = [needed + 1, timeouts + 1];
    } else if (maySkip && asked) {
      needed++;
    } else {
      ask.push(verifier);
    }
  }
  const complete = timeouts >= seats || taken >= needed;
  if (ask.length > 0) return { kind: "wait", ask };
  if (complete && verdicts.length > 0) return { kind: "record", verdicts, consulted };
  return { kind: "service", verdicts, consulted };
}

/** The same for the five fresh verifiers, of whom four have to agree; nobody takes an absent one's seat. */
export function chooseFresh(drawn: readonly Seat[], consultedBefore: number, maySkip: boolean): Choice {
  const agreeing = 4;
  const [ask, verdicts]: [string[], Verdict[]] = [[], []];
  let [taken, passes, fails, consulted] = [0, 0, 0, consultedBefore];
  for (const { verifier, able, verdict, asked } of drawn.slice(consultedBefore)) {
    if (taken >= freshSeats || passes >= agreeing || fails >= agreeing) break;
    consulted++;
    if (!able) continue;
    taken++;
    if (!verdict) {
      if (!maySkip || !asked) ask.push(verifier);
      continue;
    }
    verdicts.push(verdict);
    if (says(verdict, "pass")) passes++;
    if (says(verdict, "fail")) fails++;
  }
  if (ask.length > 0) return { kind: "wait", ask };
  const decided = taken >= freshSeats || passes >= agreeing || fails >= agreeing;
  return { kind: decided && verdicts.length > 0 ? "record" : "service", verdicts, consulted };
}

function says(verdict: Verdict, result: AttestationResult): boolean {
  return attestationResults[verdict.result] === result;
}

function heard(seats: readonly Seat[]): Verdict[] {
  return seats.flatMap(({ able, verdict }) => (able && verdict ? [verdict] : []));
}
