import { LRUCache } from "lru-cache";

import { evidenceHashOf } from "../../protocol/attestation/evidence.ts";

/** So many are remembered; a panel asks for a handful in each round. */
const limit = 256;

/** Evidence that a wrapper gave, while it lives: verdicts on chain name it by its hash. */
export class AnsweredChallenges {
  readonly #evidence = new LRUCache<string, string>({ max: limit });
  readonly #rounds = new LRUCache<number, true>({ max: limit });

  add(round: number, evidence: string): void {
    this.#evidence.set(evidenceHashOf(evidence), evidence);
    this.#rounds.set(round, true);
  }

  /** In which the service had it asked, the last asked first. */
  get rounds(): readonly number[] {
    return [...this.#rounds.keys()].slice(0, 32);
  }

  /** @param hash SHA-256 of the evidence, hex */
  evidence(hash: string): string | undefined {
    return this.#evidence.get(hash);
  }
}
