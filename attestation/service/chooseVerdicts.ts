import {
  freshOf,
  hearFresh,
  hearPanel,
  type HearingTime,
  type Quarantine,
  type SeatResults,
} from "../../protocol/attestation/hearing.ts";
import { attestationResults, type AttestationResult, freshSeats } from "../../protocol/attestation/types.ts";
import type { Verdict } from "../verifier/signVerdict.ts";

/** A seat, in the drawn order, and what the service has of it. */
export interface Seat {
  readonly verifier: string;
  readonly verdict: Verdict | undefined;
}

export type Choice =
  /** Send these, in this order. `decides`: a result follows; else they are only put on chain before they are late. */
  | { readonly kind: "record"; readonly verdicts: readonly Verdict[]; readonly decides: boolean }
  /** These have to be asked; until their verdicts are in, or their seats closed, nothing is to be sent. */
  | { readonly kind: "wait"; readonly ask: readonly string[] }
  /** The service has to take the seat of its own, behind these. */
  | { readonly kind: "service"; readonly verdicts: readonly Verdict[] };

/** What is on chain about the panel, and the block in which a call sent now would be mined at the earliest. */
export interface PanelState {
  readonly candidates: number;
  readonly known: SeatResults;
  readonly time: HearingTime;
}

/**
 * Which verdicts on a target to send now, as the contract will take them: at once if they decide, and in any case before
 * their seats are closed, since what is not on chain by then is late.
 */
export function chooseFirst(drawn: readonly Seat[], { candidates, known, time }: PanelState): Choice {
  const gathered = new Map<number, AttestationResult>();
  const outcome = () => hearPanel({ candidates, fit: drawn.length, known, handed: gathered, time });
  // A TIMEOUT calls further seats, whose verdicts may be at hand as well.
  let now = outcome();
  for (let seat = now.closed; seat < Math.min(now.called, drawn.length); seat++) {
    const verdict = drawn[seat]?.verdict;
    if (!verdict || (known[seat] ?? "none") !== "none") continue;
    gathered.set(seat, resultOf(verdict));
    now = outcome();
    if (now.kind !== "none") break;
  }
  const verdicts = verdictsOf(drawn, [...gathered.keys()]);
  if (now.kind !== "none") return { kind: "record", verdicts, decides: true };
  if (now.serviceMaySpeak) return { kind: "service", verdicts };
  if (verdicts.length > 0 && isLastCall(time)) return { kind: "record", verdicts, decides: false };
  const open = drawn.slice(now.closed, now.called);
  const ask = open.filter(({ verdict }, i) => !verdict && (known[now.closed + i] ?? "none") === "none");
  return { kind: "wait", ask: ask.map(({ verifier }) => verifier) };
}

/** What is on chain about a quarantine and about those who judge it. */
export interface FreshState extends Quarantine {
  readonly known: SeatResults;
  /** First block in which their seats are closed, and the block in which a call would be mined. */
  readonly time: HearingTime;
}

/** The same for the fresh verifiers, of whom four have to agree; nobody takes an absent one's seat. */
export function chooseFresh(drawn: readonly Seat[], { known, time, ...quarantine }: FreshState): Choice {
  const { seats, few } = freshOf(quarantine);
  const fresh = seats.flatMap((seat) => drawn[seat] ?? []);
  const closed = time.block >= time.silentFrom;
  const handed = new Map<number, AttestationResult>();
  for (const [i, { verdict }] of fresh.entries()) {
    if (verdict && !closed && (known[i] ?? "none") === "none") handed.set(i, resultOf(verdict));
  }
  const verdicts = verdictsOf(fresh, [...handed.keys()]);
  const { kind } = hearFresh({ few, count: fresh.length, known, handed, closed });
  const servicesSeat = fresh.length < freshSeats && (known[fresh.length] ?? "none") === "none";
  const missing = fresh.filter(({ verdict }, i) => !verdict && (known[i] ?? "none") === "none");
  const decided = kind === "convicted" || kind === "acquitted";
  if (decided) return { kind: "record", verdicts, decides: true };
  if (servicesSeat && (closed || missing.length === 0 || isLastCall(time))) return { kind: "service", verdicts };
  if (kind === "undecided") return { kind: "record", verdicts, decides: true };
  if (verdicts.length > 0 && isLastCall(time)) return { kind: "record", verdicts, decides: false };
  return { kind: "wait", ask: missing.map(({ verifier }) => verifier) };
}

/** Whether verdicts have to go on chain now: the last third of the time in which their seats are open. */
function isLastCall({ block, silentFrom, silenceDelay }: HearingTime): boolean {
  let closesAt = silentFrom;
  while (closesAt <= block) closesAt += silenceDelay;
  return closesAt - block <= Math.max(2, Math.ceil(silenceDelay / 3));
}

function resultOf(verdict: Verdict): AttestationResult {
  return attestationResults[verdict.result] ?? "none";
}

function verdictsOf(seats: readonly Seat[], indices: readonly number[]): Verdict[] {
  return indices.flatMap((index) => seats[index]?.verdict ?? []);
}
