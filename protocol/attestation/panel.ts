import type { Hex } from "../encoding/hex.ts";
import { type RoundOrder, roundOrder } from "./order.ts";
import { maxCandidates, panelSeats } from "./types.ts";

/** How many agents along the ring are sorted by operator at a time: bounds what the contract has to read. */
const windowSize = 8;

/** An agent in the roster, as `rosterAt` shows it. */
export interface RosterEntry {
  readonly agent: string;
  /** Low 88 bits of the operator's address. */
  readonly operatorTag: bigint;
}

export interface Panel {
  /** In the order of their turn; the first `seats` are the panel, the others stand by. */
  readonly verifiers: readonly string[];
  readonly seats: number;
}

/** Low 88 bits of an operator's address: what the roster keeps of it. */
export function operatorTagOf(operator: string): bigint {
  return BigInt.asUintN(88, BigInt(operator));
}

/** How many verifiers are drawn for each of `size` agents: at most (size − 1) / 2, so that no pair is reciprocal. */
export function candidateCount(size: number): number {
  return Math.min(maxCandidates, Math.floor((size - 1) / 2));
}

/**
 * Who verifies the agent at a place of the roster: those after it on the ring; first, of each eight, agents of operators
 * that neither the target nor one before has, then the others, last those of the target's own operator. Nobody where the
 * set is smaller than 3: there the attestation service verifies.
 * @param roster as it was frozen when the round was opened: `size` of the round entries
 */
export function panelOf(seed: Hex, roster: readonly RosterEntry[], place: number, order?: RoundOrder): Panel {
  const size = roster.length;
  const count = candidateCount(size);
  if (count === 0) return { verifiers: [], seats: 1 };
  const ring = order ?? roundOrder(seed, size);
  const position = ring.positionOf(place);
  const own = entryAt(roster, place).operatorTag;
  const seen = new Set<bigint>([own]);
  const verifiers: string[] = [];
  for (let start = 1; start <= count; start += windowSize) {
    const [others, ofTheTarget]: [string[], string[]] = [[], []];
    for (let distance = start; distance < start + windowSize && distance <= count; distance++) {
      const { agent, operatorTag } = entryAt(roster, ring.placeAt((position + distance) % size));
      if (operatorTag === own) ofTheTarget.push(agent);
      else if (seen.has(operatorTag)) others.push(agent);
      else verifiers.push(agent);
      seen.add(operatorTag);
    }
    verifiers.push(...others, ...ofTheTarget);
  }
  return { verifiers, seats: Math.min(panelSeats, count) };
}

function entryAt(roster: readonly RosterEntry[], place: number): RosterEntry {
  const entry = roster[place];
  if (!entry) throw new RangeError(`no place ${place} in a roster of ${roster.length}`);
  return entry;
}
