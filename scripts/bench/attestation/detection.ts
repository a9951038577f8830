import { keccak_256 } from "@noble/hashes/sha3.js";

import { roundOrder } from "../../../protocol/attestation/order.ts";
import { panelOf } from "../../../protocol/attestation/panel.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";

export interface Collusion {
  /** They pass one another whatever they find. */
  readonly bad: number;
  /** The first so many of the panel count. */
  readonly verifiers: number;
}

/** Colluding pairs up to a third of twenty agents, with one verifier and with three. */
export const collusions: readonly Collusion[] = [2, 4, 6].flatMap((bad) => [
  { bad, verifiers: 1 },
  { bad, verifiers: 3 },
]);

/**
 * How often, of the bad agents of all rounds, one is verified by bad agents alone: the protocol's own draw, with seeds
 * that are the same in every run.
 * @returns a share for each collusion
 */
export function simulateMisses(agents: number, rounds: number, cases: readonly Collusion[]): readonly number[] {
  const roster = Array.from({ length: agents }, (_, place) => ({ agent: String(place), operatorTag: BigInt(place) }));
  const most = Math.max(...cases.map(({ bad }) => bad));
  const missed = cases.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    const seed = toHex(keccak_256(new TextEncoder().encode(`simulated round ${round}`)));
    const order = roundOrder(seed, agents);
    for (let place = 0; place < most; place++) {
      const panel = panelOf(seed, roster, place, order).verifiers.map(Number);
      for (const [i, { bad, verifiers }] of cases.entries()) {
        const isMiss = place < bad && panel.slice(0, verifiers).every((verifier) => verifier < bad);
        if (isMiss) missed[i] = (missed[i] ?? 0) + 1;
      }
    }
  }
  return cases.map(({ bad }, i) => (missed[i] ?? 0) / (rounds * bad));
}

/** The same for verifiers drawn without replacement: C(bad − 1, m) / C(agents − 1, m). */
export function hypergeometricMiss(agents: number, bad: number, verifiers: number): number {
  let probability = 1;
  for (let i = 0; i < verifiers; i++) probability *= (bad - 1 - i) / (agents - 1 - i);
  return probability;
}
