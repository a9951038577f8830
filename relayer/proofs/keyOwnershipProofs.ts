import type { Interface } from "ethers";

import type { ReadKeyOwnershipSubmission } from "../../protocol/api/keyOwnershipProof.ts";
import type { RequestStatus } from "../../protocol/api/types.ts";
import { agentRegistryDomain } from "../../protocol/eip712/agentRegistry.ts";
import type { TypedDataDomain } from "../../protocol/eip712/typedData.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { keyOwnershipDigest, keyOwnershipSignals } from "../../protocol/zk/keyOwnership.ts";
import { toSignalArray } from "../../protocol/zk/publicSignals.ts";
import type { Requests } from "../requests/requests.ts";
import type { ProofPool } from "./proofPool.ts";

export interface KeyOwnershipTarget {
  readonly chainId: number;
  /** AgentRegistry. */
  readonly address: string;
  readonly abi: Interface;
}

/** Takes in proofs of key ownership: checks each off chain, and carries the good ones to the registry. */
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
   * Checks a proof against the signals of its claim, which are computed here as the contract computes them, and then
   * journals the call. A claim is one request whatever proof comes with it: proofs can be re-randomised by anyone, so it
   * is the claim's digest that names the request.
   * @throws AffiantError ERR_PROOF_INVALID, ERR_INPUT_PROOF, ERR_UNAVAILABLE_QUEUE, and those of `Requests.submit`
   */
  async submit(
    { claim, proof, encodedProof, signature }: ReadKeyOwnershipSubmission,
    ticket?: string,
  ): Promise<RequestStatus> {
    const signals = toSignalArray("key-ownership", keyOwnershipSignals(this.#domain, claim));
    if (!(await this.#pool.verify(proof, signals))) {
      throw new AffiantError("ERR_PROOF_INVALID", "the proof does not prove this claim, for this chain and registry", {
        hint: "The action is computed from the claim: agent, commitment, recipient, nonce, deadline, chain and contract.",
      });
    }
    const { agent, commitment, recipient, nonce, deadline } = claim;
    const args = [agent, commitment, recipient, nonce, deadline, encodedProof, signature];
    const data = this.#target.abi.encodeFunctionData("proveKeyOwnershipSigned", args);
    try {
      return await this.#requests.submit(
        { target: this.#target.address, data },
        keyOwnershipDigest(this.#domain, claim),
        ticket,
      );
    } catch (error) {
      const requestId = isAffiantError(error, "ERR_CONFLICT_IDEMPOTENCY_KEY") && error.details["requestId"];
      if (typeof requestId === "string") return this.#requests.status(requestId);
      throw error;
    }
  }
}
