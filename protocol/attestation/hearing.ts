import { type AttestationResult, freshSeats, maxCandidates, panelSeats } from "./types.ts";

/** How many of the fresh verifiers have to agree. */
export const agreeing = 4;
/** So many drawn verifiers are not outvoted by the service alone. */
const many = 8;

/** What is known of each seat, in the drawn order; `none` = nothing that came in time. */
export type SeatResults = readonly AttestationResult[];

/** When a call is mined, in blocks. */
export interface HearingTime {
  readonly block: number;
  /** First block in which the panel's own seats are closed. */
  readonly silentFrom: number;
  readonly silenceDelay: number;
}

export interface PanelHearing {
  /** Verifiers drawn: K. */
  readonly candidates: number;
  /** Of those, the ones fit to verify when the round was opened: the seats, in order. */
  readonly fit: number;
  /** What is on chain. */
  readonly known: SeatResults;
  /** What a call brings, by seat. */
  readonly handed: ReadonlyMap<number, AttestationResult>;
  /** What the service says in the seat that is its own once the others are used up. */
  readonly service?: AttestationResult;
  readonly time: HearingTime;
}

export interface PanelOutcome {
  /** `none`: the verdicts do not decide yet. */
  readonly kind: "none" | "passed" | "struck" | "quarantined";
  /** First seats whose time is over, and first seats that are called. */
  readonly closed: number;
  readonly called: number;
  /** After the call. */
  readonly known: SeatResults;
  /** Seats whose verdicts the call heard in time; those that came too late. */
  readonly heard: readonly number[];
  readonly late: readonly number[];
  /** Seats that are closed and empty. Who sits there is struck if a result is recorded. */
  readonly absent: readonly number[];
  /** The drawn verifiers are used up, each is accounted for, and the service may decide. */
  readonly serviceMaySpeak: boolean;
}

/** One seat where nobody can be drawn: the service's. */
export function seatCount(candidates: number): number {
  return candidates === 0 ? 1 : Math.min(panelSeats, candidates);
}

/** Which seats are closed and which are called, by what is on chain; `AttestationHearing._callSeats` is the same. */
export function callSeats(known: SeatResults, seats: number, { block, silentFrom, silenceDelay }: HearingTime) {
  const cost = (limit: number, ofSilence: number, ofTimeout: number): number => {
    let sum = 0;
    for (let seat = 0; seat < maxCandidates; seat++) {
      const result = known[seat] ?? "none";
      if (result === "none" && seat < limit) sum += ofSilence;
      if (result === "timeout") sum += ofTimeout;
    }
    return sum;
  };
  const upTo = (limit: number): number => {
    const costs = { none: 2, timeout: 3, pass: 0, fail: 0 };
    let next = seats;
    for (let seat = 0; seat < limit; seat++) next += costs[known[seat] ?? "none"];
    return next;
  };
  let [closed, next] = [0, seats];
  for (let from = silentFrom; block >= from && closed < maxCandidates; from += silenceDelay) {
    closed = next;
    next = upTo(closed);
  }
  return { closed, called: seats + cost(closed, 2, 3), needed: seats + cost(closed, 1, 2) };
}

/** What the panel of a target comes to. ADR 11 has the rule, `AttestationVerdicts._first` is the same in Solidity. */
export function hearPanel({ candidates, fit, known, handed, service, time }: PanelHearing): PanelOutcome {
  const seats = seatCount(candidates);
  const stage = callSeats(known, seats, time);
  let { called, needed } = stage;
  const { closed } = stage;
  const results = [...known];
  const [heard, late, absent]: [number[], number[], number[]] = [[], [], []];
  const count = { none: 0, pass: 0, fail: 0, timeout: 0 };
  let [leadingTimeouts, seat] = [0, 0];
  for (; seat < called && seat < fit; seat++) {
    const before = known[seat] ?? "none";
    const said = before === "none" ? handed.get(seat) : undefined;
    if (count.fail > 0 && ![...handed.keys()].some((other) => other >= seat)) break;
    if (said !== undefined && seat < closed) {
      late.push(seat);
      continue;
    }
    const result = said ?? before;
    if (said !== undefined) heard.push(seat);
    else if (result === "none" && seat < closed) absent.push(seat);
    if (said === "timeout") [called, needed] = [called + 3, needed + 2];
    if (result === "timeout" && leadingTimeouts === seat) leadingTimeouts++;
    count[result]++;
    results[seat] = result;
  }
  const usedUp = seat < called && seat === fit && count.fail === 0;
  const accounted = count.pass + count.timeout + absent.length + late.length;
  const unanswered = leadingTimeouts === 2 * seats || (usedUp && seat !== 0 && leadingTimeouts === seat);
  const enough = fit < many || 2 * count.pass >= fit;
  const serviceMaySpeak = usedUp && !unanswered && accounted === fit && enough;
  const base = { closed, called: Math.min(called, candidates), known: results, heard, late, absent, serviceMaySpeak };
  const decided = serviceMaySpeak && service !== undefined ? service : "none";
  if (count.fail > 0 || decided === "fail") return { ...base, kind: "quarantined" };
  if (unanswered || decided === "timeout") return { ...base, kind: "struck" };
  if (decided === "pass" || (!usedUp && count.pass >= needed)) return { ...base, kind: "passed" };
  return { ...base, kind: "none" };
}

/** What is on chain about a quarantine. */
export interface Quarantine {
  readonly candidates: number;
  readonly fit: number;
  /** The panel's seats when the quarantine began. */
  readonly panel: SeatResults;
  readonly consulted: number;
  readonly passedOver: number;
}

/**
 * Who judges a quarantine, by seat of the panel: of those never called first, then of those that were called beyond the
 * first panel, or passed over, and not heard. `AttestationHearing._freshOf` is the same.
 * @returns few: so few are drawn at all that the service may outvote them
 */
export function freshOf({ candidates, fit, panel, consulted, passedOver }: Quarantine) {
  const seats: number[] = [];
  const aside: number[] = [];
  let seat = 0;
  for (; seats.length < freshSeats && seat < fit; seat++) {
    const unheard = (panel[seat] ?? "none") === "none";
    if (seat >= consulted) seats.push(seat);
    else if (unheard && (seat >= seatCount(candidates) || seat < passedOver)) aside.push(seat);
  }
  const few = seats.length < freshSeats && fit < many;
  return { seats: [...seats, ...aside].slice(0, freshSeats), few };
}

export interface FreshHearing {
  readonly few: boolean;
  /** How many fresh verifiers there are: with fewer than five the service has a seat behind them. */
  readonly count: number;
  readonly known: SeatResults;
  readonly handed: ReadonlyMap<number, AttestationResult>;
  readonly service?: AttestationResult;
  readonly closed: boolean;
}

export interface FreshOutcome {
  readonly kind: "none" | "convicted" | "acquitted" | "undecided";
  readonly known: SeatResults;
  readonly absent: readonly number[];
}

/** What the fresh verifiers come to; `AttestationVerdicts._hearFresh` and `_decide` are the same. */
export function hearFresh({ few, count, known, handed, service, closed }: FreshHearing): FreshOutcome {
  const results = [...known];
  const absent: number[] = [];
  for (let seat = 0; seat < count; seat++) {
    if ((known[seat] ?? "none") !== "none") continue;
    const said = handed.get(seat);
    if (said !== undefined && !closed) results[seat] = said;
    else if (said === undefined && closed) absent.push(seat);
  }
  if (count < freshSeats && (known[count] ?? "none") === "none") results[count] = service ?? "none";
  const seats = Math.min(freshSeats, count + 1);
  const number = (wanted: AttestationResult) => results.slice(0, seats).filter((one) => one === wanted).length;
  const needed = few ? Math.min(agreeing, seats) : agreeing;
  const [passes, fails, timeouts] = [number("pass"), number("fail"), number("timeout")];
  if (fails >= needed) return { kind: "convicted", known: results, absent };
  if (passes >= needed) return { kind: "acquitted", known: results, absent };
  return { kind: closed || passes + fails + timeouts >= seats ? "undecided" : "none", known: results, absent };
}

/** The seats of a word of `hearingOf`: two bits each. */
export function seatsOfWord(word: bigint, count = maxCandidates): SeatResults {
  const results = ["none", "pass", "fail", "timeout"] as const;
  return Array.from({ length: count }, (_, seat) => results[Number((word >> BigInt(2 * seat)) & 3n)] ?? "none");
}
