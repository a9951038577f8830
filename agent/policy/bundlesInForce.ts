import { LRUCache } from "lru-cache";

import type { RelayerClient } from "../relayer/relayerClient.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";

/** Bundles by the hash that the chain names: those that were committed to here, and those that the relayer keeps. */
export class BundlesInForce {
  readonly #relayer: Pick<RelayerClient, "policy">;
  readonly #known = new LRUCache<Hex, PolicyBundle>({ max: 16 });

  constructor(relayer: Pick<RelayerClient, "policy">) {
    this.#relayer = relayer;
  }

  learn(hash: Hex, bundle: PolicyBundle): void {
    this.#known.set(hash, bundle);
  }

  /** @throws AffiantError ERR_PROOF_POLICY for a bundle of another hash, ERR_NOT_FOUND_POLICY, ERR_UNAVAILABLE_RELAYER */
  async bundle(hash: Hex): Promise<PolicyBundle> {
    const known = this.#known.get(hash);
    if (known) return known;
    const bundle = await this.#relayer.policy(hash);
    const found = policyHashOf(bundle);
    if (found !== hash) {
      throw new AffiantError("ERR_PROOF_POLICY", `the relayer gave a bundle of another hash than ${hash}`, {
        details: { expected: hash, found },
      });
    }
    this.#known.set(hash, bundle);
    return bundle;
  }
}
