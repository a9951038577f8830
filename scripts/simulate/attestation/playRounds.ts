import { candidateCount } from "../../../protocol/attestation/panel.ts";
import { type Played, playTarget } from "./playTarget.ts";
import type { Strategy } from "./strategies.ts";

/** Of honest verdicts, this part never reaches the chain while its seat is open. */
export const delayed = 0.03;
const strikesThatEndTrust = 3;

export interface Tally {
  rounds: number;
  honest: number;
  bad: number;
  /** Honest agents that lost trust by strikes, as targets or as verifiers; by a FAIL that nobody overruled in the round. */
  honestLostByStrikes: number;
  honestLostByFail: number;
  honestConvicted: number;
  /** Honest agents without a result: they keep the trust they had until it expires. */
  honestWithoutResult: number;
  /** Colluders that got their trust renewed: the rest is not trusted at the end, once what they had is over. */
  badPassed: number;
  badConvicted: number;
}

/** xorshift128: the same rounds from the same seed, on every machine. */
export function randomOf(seed: number): () => number {
  let [x, y, z, w] = [seed | 1, 362_436_069, 521_288_629, 88_675_123];
  return () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = (w ^ (w >>> 19) ^ (t ^ (t >>> 8))) >>> 0;
    return w / 4_294_967_296;
  };
}

export const isBadOf = (size: number, share: number): boolean[] => {
  return Array.from({ length: size }, (_, i) => i < Math.round(size * share));
};

/** The chance that all three drawn for a colluder are colluders: no rule of three seats can do better. */
export function boundOf(size: number, share: number): number {
  const bad = Math.round(size * share);
  return bad < 4 ? 0 : ((bad - 1) * (bad - 2) * (bad - 3)) / ((size - 1) * (size - 2) * (size - 3));
}

/** One round after the other of one system: strikes are carried over, who loses trust is given it anew. */
export function playRounds(
  size: number,
  share: number,
  strategy: Strategy,
  rounds: number,
  random: () => number,
): Tally {
  const isBad = isBadOf(size, share);
  const [asTarget, asVerifier] = [new Uint8Array(size), new Uint8Array(size)];
  const tally: Tally = {
    rounds,
    honest: rounds * isBad.filter((one) => !one).length,
    bad: rounds * isBad.filter(Boolean).length,
    honestLostByStrikes: 0,
    honestLostByFail: 0,
    honestConvicted: 0,
    honestWithoutResult: 0,
    badPassed: 0,
    badConvicted: 0,
  };
  for (let round = 0; round < rounds; round++) {
    const ring = shuffled(size, random);
    const struck = new Set<number>();
    const spoke = new Set<number>();
    for (let position = 0; position < size; position++) {
      const target = ring[position] as number;
      const candidates = candidateCount(size);
      const verifiers = Array.from({ length: candidates }, (_, i) => ring[(position + 1 + i) % size] as number);
      const drawn = verifiers.map((one) => ({ isBad: isBad[one] === true, isDelayed: random() < delayed }));
      const played = playTarget({ isBad: isBad[target] === true, drawn, candidates }, strategy);
      count(tally, isBad[target] === true, played);
      for (const seat of played.struck) struck.add(verifiers[seat] as number);
      for (const { said, isRefused } of played.calls) {
        if (isRefused !== true) for (const [seat] of said) spoke.add(verifiers[seat] as number);
      }
      if (played.end === "struck") strike(asTarget, target);
      else if (played.end === "passed" || played.end === "acquitted") asTarget[target] = 0;
    }
    // The worst order: whatever was heard of a verifier was heard before it was struck.
    for (const verifier of spoke) asVerifier[verifier] = 0;
    for (const verifier of struck) strike(asVerifier, verifier);
  }
  return tally;

  function strike(strikes: Uint8Array, agent: number): void {
    const now = (strikes[agent] ?? 0) + 1;
    strikes[agent] = now === strikesThatEndTrust ? 0 : now;
    if (now === strikesThatEndTrust && !isBad[agent]) tally.honestLostByStrikes++;
  }
}

function count(tally: Tally, isBad: boolean, { end }: Played): void {
  if (isBad) {
    if (end === "passed" || end === "acquitted") tally.badPassed++;
    if (end === "convicted") tally.badConvicted++;
    return;
  }
  if (end === "convicted") tally.honestConvicted++;
  if (end === "convicted" || end === "undecided" || end === "quarantined") tally.honestLostByFail++;
  if (end === "open" || end === "struck") tally.honestWithoutResult++;
}

function shuffled(size: number, random: () => number): number[] {
  const ring = Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [ring[i], ring[j]] = [ring[j] as number, ring[i] as number];
  }
  return ring;
}
