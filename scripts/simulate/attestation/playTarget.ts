import {
  freshOf,
  hearFresh,
  hearPanel,
  type PanelOutcome,
  type SeatResults,
} from "../../../protocol/attestation/hearing.ts";
import { type AttestationResult, freshSeats } from "../../../protocol/attestation/types.ts";
import type { Strategy } from "./strategies.ts";

/** Blocks after the draw; the schedule that is simulated and replayed. */
export const silenceDelay = 25;
export const roundLength = 200;

export interface Target {
  readonly isBad: boolean;
  /** The verifiers drawn for it, in their order: whether each is a colluder, and whether its verdict is delayed too long. */
  readonly drawn: readonly { readonly isBad: boolean; readonly isDelayed: boolean }[];
  readonly candidates: number;
}

/** One transaction of verdicts: seats of the panel, or of the fresh verifiers, and what they say; the service's last. */
export interface Call {
  readonly block: number;
  readonly said: readonly (readonly [seat: number, result: AttestationResult])[];
  readonly service?: AttestationResult;
  /** The registry takes none of it. */
  readonly isRefused?: boolean;
}

export interface Played {
  /** `open`: no result until the round's end. */
  readonly end: "passed" | "struck" | "convicted" | "acquitted" | "undecided" | "quarantined" | "open";
  /** Seats of the panel whose verifiers are struck. */
  readonly struck: readonly number[];
  readonly calls: readonly Call[];
}

/** One target through one round, by the protocol's own rule. */
export function playTarget(target: Target, strategy: Strategy): Played {
  const { drawn, candidates, isBad } = target;
  const calls: Call[] = [];
  let known: SeatResults = [];
  const honestSays = (seat: number): AttestationResult => {
    if (drawn[seat]?.isDelayed || (isBad && strategy.starves)) return "none";
    return isBad ? (strategy.dodges ? "timeout" : "fail") : "pass";
  };
  const colluderSays = (seat: number): AttestationResult => {
    if (isBad) return "pass";
    return seat < 3 ? strategy.ofHonest : strategy.ofHonestLater;
  };
  const honestService: AttestationResult = isBad ? (strategy.dodges ? "timeout" : "fail") : "pass";
  const service = isBad && strategy.starves ? "pass" : honestService;
  const hear = (block: number, handed: ReadonlyMap<number, AttestationResult>, says?: AttestationResult) => {
    const time = { block, silentFrom: silenceDelay, silenceDelay };
    const rest = says === undefined ? {} : { service: says };
    return hearPanel({ candidates, fit: drawn.length, known, handed, time, ...rest });
  };
  /** What one side has to say in a block, in one call; a TIMEOUT may call more of its seats. */
  const speak = (block: number, ofColluders: boolean): PanelOutcome | null => {
    const handed = new Map<number, AttestationResult>();
    let now = hear(block, handed);
    for (let seat = now.closed; seat < Math.min(now.called, drawn.length); seat++) {
      if ((known[seat] ?? "none") !== "none" || drawn[seat]?.isBad !== ofColluders) continue;
      const said = ofColluders ? colluderSays(seat) : honestSays(seat);
      if (said === "none") continue;
      handed.set(seat, said);
      now = hear(block, handed);
      if (now.kind !== "none") break;
    }
    if (handed.size === 0 && !now.serviceMaySpeak) return null;
    const says = now.kind === "none" && now.serviceMaySpeak ? service : undefined;
    if (handed.size === 0 && says === undefined) return null;
    const outcome = hear(block, handed, says);
    calls.push({ block, said: [...handed], ...(says === undefined ? {} : { service: says }) });
    known = outcome.known;
    return outcome;
  };
  for (let wave = 0; (wave + 1) * silenceDelay <= roundLength; wave++) {
    if (strategy.late && !isBad && wave > 0) {
      const { closed } = hear(wave * silenceDelay, new Map());
      const seat = drawn.findIndex((one, i) => one.isBad && i < closed && (known[i] ?? "none") === "none");
      if (seat >= 0) calls.push({ block: wave * silenceDelay, said: [[seat, "fail"]], isRefused: true });
    }
    // Three times: what is said by one side may call seats of the other.
    for (let turn = 0; turn < 6; turn++) {
      const outcome = speak(wave * silenceDelay + 2 + 2 * turn, (turn % 2 === 0) === strategy.first);
      if (!outcome || outcome.kind === "none") continue;
      if (outcome.kind !== "quarantined") return { end: outcome.kind, struck: outcome.absent, calls };
      return judgeQuarantine(target, strategy, calls, outcome);
    }
  }
  return { end: "open", struck: [], calls };
}

function judgeQuarantine(target: Target, strategy: Strategy, calls: Call[], panel: PanelOutcome): Played {
  const { drawn, candidates, isBad } = target;
  const { called: consulted } = panel;
  const passedOver = Math.min(panel.closed, panel.called);
  const { seats, few } = freshOf({ candidates, fit: drawn.length, panel: panel.known, consulted, passedOver });
  const at = calls.at(-1)?.block ?? 0;
  const closesAt = at + silenceDelay;
  let known: SeatResults = [];
  const says = (seat: number): AttestationResult => {
    const verifier = drawn[seat];
    if (verifier?.isBad) return isBad ? strategy.freshOfOwn : strategy.freshOfHonest;
    if (verifier?.isDelayed || (isBad && strategy.starves)) return "none";
    return isBad ? (strategy.dodges ? "timeout" : "fail") : "pass";
  };
  const ofBad = strategy.dodges ? "timeout" : "fail";
  const service: AttestationResult = !isBad || strategy.starves ? "pass" : ofBad;
  for (const ofColluders of [strategy.first, !strategy.first]) {
    const said = seats.flatMap((seat, i) => {
      const result = says(seat);
      return drawn[seat]?.isBad === ofColluders && result !== "none" ? [[i, result] as const] : [];
    });
    const servicesTurn = seats.length < freshSeats && !ofColluders;
    if (said.length === 0 && !servicesTurn) continue;
    const block = at + (ofColluders === strategy.first ? 1 : 2);
    const rest = servicesTurn ? { service } : {};
    const outcome = hearFresh({ few, count: seats.length, known, handed: new Map(said), closed: false, ...rest });
    calls.push({ block, said: said.map(([i, result]) => [seats[i] ?? 0, result]), ...rest });
    known = outcome.known;
    if (outcome.kind !== "none") return { end: outcome.kind, struck: [], calls };
  }
  if (closesAt >= roundLength) return { end: "quarantined", struck: [], calls };
  const last = hearFresh({ few, count: seats.length, known, handed: new Map(), closed: true });
  calls.push({ block: closesAt, said: [] });
  if (last.kind === "none") return { end: "quarantined", struck: [], calls };
  return { end: last.kind, struck: last.absent.map((i) => seats[i] ?? 0), calls };
}
