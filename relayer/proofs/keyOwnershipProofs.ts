import type { Interface } from "ethers";

import type { ReadKeyOwnershipSubmission } from "../../protocol/api/keyOwnershipProof.ts";
import type { RequestStatus } from "../../protocol/api/types.ts";
import { agentRegistryDomain } from "../../protocol/eip712/agentRegistry.ts";
import type { TypedDataDomain } from "../../protocol/eip712/typedData.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { keyOwnershipDigest, keyOwnershipSignals } from "../../protocol/zk/keyOwnership.ts";
import type { Groth16Proof } from "../../protocol/zk/groth16Proof.ts";
import { toSignalArray } from "../../protocol/zk/publicSignals.ts";
import type { Requests } from "../requests/requests.ts";
import type { ProofPool } from "../../circuits/pool/proofPool.ts";

export interface KeyOwnershipTarget {
  readonly chainId: number;
  /** AgentRegistry. */
  readonly address: string;
  readonly abi: Interface;
}

/** Takes in proofs of key ownership: checks each, on the chain's word and off chain, and carries the good ones to the registry. */
export class KeyOwnershipProofs {
  readonly #pool: ProofPool;
  readonly #requests: Requests;
  readonly #target: KeyOwnershipTarget;
  readonly #domain: TypedDataDomain;

  constructor(pool: ProofPool, requests: Requests, target: KeyOwnershipTarget) {
    this.#pool = pool;
    this.#requests = requests;
    this.#target = target;
    this.#domain = agentRegistryDomain(BigInt(target.chainId), target.address);
  }

  /**
   * Has the registry look at a claim first: it asks for the owner's signature before it looks at the proof, so that nobody has
   * proofs checked here for an owner who did not sign. Then the proof is checked against the signals of its claim, which are
   * computed here as the contract computes them, and the call is journalled. A claim is one request whatever proof comes with
   * it: proofs can be re-randomised by anyone, so it is the claim's digest that names the request.
   * @throws AffiantError ERR_PROOF_INVALID, ERR_INPUT_PROOF, ERR_UNAVAILABLE_QUEUE, and those of `Requests.submit`
   */
  async submit(
    { claim, proof, encodedProof, signature }: ReadKeyOwnershipSubmission,
    ticket?: string,
  ): Promise<RequestStatus> {
    const signals = toSignalArray("key-ownership", keyOwnershipSignals(this.#domain, claim));
    const { agent, commitment, recipient, nonce, deadline } = claim;
    const args = [agent, commitment, recipient, nonce, deadline, encodedProof, signature];
    const data = this.#target.abi.encodeFunctionData("proveKeyOwnershipSigned", args);
    try {
      return await this.#requests.submit(
        { target: this.#target.address, data },
        keyOwnershipDigest(this.#domain, claim),
        ticket,
        () => this.#check(proof, signals),
      );
    } catch (error) {
      const requestId = isAffiantError(error, "ERR_CONFLICT_IDEMPOTENCY_KEY") && error.details["requestId"];
      if (typeof requestId === "string") return this.#requests.status(requestId);
      throw error;
    }
  }

  /** @throws AffiantError ERR_PROOF_INVALID, ERR_UNAVAILABLE_QUEUE */
  async #check(proof: Groth16Proof, signals: readonly bigint[]): Promise<void> {
    if (await this.#pool.verify(proof, signals)) return;
    throw new AffiantError("ERR_PROOF_INVALID", "the proof does not prove this claim, for this chain and registry", {
      hint: "The action is computed from the claim: agent, commitment, recipient, nonce, deadline, chain and contract.",
    });
  }
}
