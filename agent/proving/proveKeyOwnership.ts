import type { TypedDataDomain } from "../../protocol/eip712/typedData.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { encodeProof } from "../../protocol/zk/groth16Proof.ts";
import { commitmentOf } from "../../protocol/zk/identityKey.ts";
import { type KeyOwnershipClaim, keyOwnershipSignals } from "../../protocol/zk/keyOwnership.ts";
import { fromSignalArray } from "../../protocol/zk/publicSignals.ts";
import { Prover, type ProverOptions } from "./prover.ts";

export interface KeyOwnershipRequest {
  /** BabyJubJub scalar in [1, l). */
  readonly privateKey: bigint;
  /** Of the AgentRegistry: `agentRegistryDomain(chainId, registry)`. */
  readonly domain: TypedDataDomain;
  /** The claim; its commitment is that of the private key. */
  readonly claim: Omit<KeyOwnershipClaim, "commitment">;
}

export interface ProvedKeyOwnership {
  readonly claim: KeyOwnershipClaim;
  /** 256 bytes, as `AgentRegistry.proveKeyOwnership` takes it. */
  readonly proof: Hex;
}

/**
 * Proves that the agent knows the private key behind a commitment, for one claim.
 * @param prover one from `Prover.open("key-ownership")` that is kept for more proofs; without it, one is started and ended
 * @throws AffiantError ERR_INPUT_PRIVATE_KEY, ERR_INPUT_ARTIFACT, ERR_PROOF_WITNESS
 */
export async function proveKeyOwnership(
  request: KeyOwnershipRequest,
  prover?: Prover,
  options: ProverOptions = {},
): Promise<ProvedKeyOwnership> {
  const claim = { ...request.claim, commitment: commitmentOf(request.privateKey) };
  const signals = keyOwnershipSignals(request.domain, claim);
  const used = prover ?? (await Prover.open("key-ownership", options));
  try {
    const { proof, publicSignals } = await used.prove({ privateKey: request.privateKey, ...signals });
    // A proof for anything but the claim would be refused on chain, after gas was spent.
    const proved = fromSignalArray("key-ownership", publicSignals);
    if (proved.commitment !== signals.commitment || proved.action !== signals.action) {
      throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "the prover proved other signals than those of the claim");
    }
    return { claim, proof: encodeProof(proof) };
  } finally {
    if (!prover) await used.close();
  }
}
