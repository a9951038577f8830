import { keccak_256 } from "@noble/hashes/sha3.js";

import { roundOrder } from "../../../protocol/attestation/order.ts";
import { panelOf } from "../../../protocol/attestation/panel.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";

export interface Collusion {
  readonly agents: number;
  /** They pass one another whatever they find. */
  readonly bad: number;
  /** The first so many of the panel count. */
  readonly verifiers: number;
  readonly rounds: number;
}

/**
 * How often, of the bad agents of all rounds, one is verified by bad agents alone: the protocol's own draw, with seeds
 * that are the same in every run.
 */
export function simulateMisses({ agents, bad, verifiers, rounds }: Collusion): number {
  const roster = Array.from({ length: agents }, (_, place) => ({ agent: String(place), operatorTag: BigInt(place) }));
  let missed = 0;
  for (let round = 0; round < rounds; round++) {
    const seed = toHex(keccak_256(new TextEncoder().encode(`simulated round ${round}`)));
    const order = roundOrder(seed, agents);
    for (let place = 0; place < bad; place++) {
      const panel = panelOf(seed, roster, place, order).verifiers.slice(0, verifiers);
      if (panel.every((verifier) => Number(verifier) < bad)) missed++;
    }
  }
  return missed / (rounds * bad);
}

/** The same for verifiers drawn without replacement: C(bad − 1, m) / C(agents − 1, m). */
export function hypergeometricMiss(agents: number, bad: number, verifiers: number): number {
  let probability = 1;
  for (let i = 0; i < verifiers; i++) probability *= (bad - 1 - i) / (agents - 1 - i);
  return probability;
}
