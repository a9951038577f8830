import { randomBytes } from "node:crypto";

import { getAddress } from "ethers";
import { LRUCache } from "lru-cache";

import { answerOf } from "../../protocol/attestation/answer.ts";
import { type Manifest, measurementOf } from "../../protocol/attestation/manifest.ts";
import { referenceCommitment } from "../../protocol/attestation/reference.ts";
import type { AssuranceTier } from "../../protocol/attestation/types.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { SealedStore } from "./sealedStore.ts";

/** One version of one agent: everything that the service alone knows, with its wrapper. */
export interface Reference {
  /** EIP-55. */
  readonly agent: string;
  readonly version: number;
  readonly tier: AssuranceTier;
  /** Where its wrapper listens. */
  readonly url: string;
  /** Sequence number of the announcement that says so; 0 before the first. */
  readonly announced: number;
  /** m, 32 bytes. */
  readonly measurement: Hex;
  readonly salt: Hex;
  /** k, 32 bytes. */
  readonly agentKey: Hex;
  /** What stands on chain. */
  readonly commitment: Hex;
}

export function newReference(
  agent: string,
  version: number,
  tier: AssuranceTier,
  url: string,
  manifest: Manifest,
): Reference {
  const measurement = measurementOf(manifest);
  const announced = 0;
  const salt = toHex(randomBytes(32));
  const commitment = referenceCommitment({ agent, version: BigInt(version), measurement, salt });
  const agentKey = toHex(randomBytes(32));
  return { agent: getAddress(agent), version, tier, url, announced, measurement, salt, agentKey, commitment };
}

/** e for a nonce. */
export function expectedAnswer({ measurement, agentKey }: Reference, nonce: Hex): Hex {
  return answerOf(measurement, fromHex(agentKey, 32), nonce);
}

/** The references of all agents, by what stands on chain. Old ones stay: a verdict about them may be disputed later. */
export class References {
  readonly #store: SealedStore;
  /** A round asks for the same few again and again. */
  readonly #known = new LRUCache<string, Reference>({ max: 10_000 });

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** @param manifest with the first version of a record; people want to know later what was measured */
  async put(reference: Reference, manifest?: Manifest): Promise<void> {
    if (manifest) await this.#store.put(`manifest ${reference.commitment}`, manifest);
    await this.#store.put(`reference ${reference.commitment}`, reference);
    this.#known.set(reference.commitment, reference);
  }

  /** What was measured; undefined for a commitment of another service. */
  manifestOf(commitment: string): Promise<Manifest | undefined> {
    return this.#store.get<Manifest>(`manifest ${commitment}`);
  }

  /** @throws AffiantError ERR_NOT_FOUND_REFERENCE */
  async byCommitment(commitment: string): Promise<Reference> {
    const reference = this.#known.get(commitment) ?? (await this.#store.get<Reference>(`reference ${commitment}`));
    if (reference) {
      this.#known.set(commitment, reference);
      return reference;
    }
    throw new AffiantError("ERR_NOT_FOUND_REFERENCE", `there is no reference for the commitment ${commitment}`, {
      hint: "It was enrolled by another service, or the store is an older copy. Enrol the agent anew.",
    });
  }
}
