import { readVerifyingArtifacts } from "../../circuits/artifacts.ts";
import { ProofPool } from "../../circuits/pool/proofPool.ts";
import { statementSignal } from "../../protocol/access/statement.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { assertKeyAllowed } from "../../protocol/zk/keyGate.ts";
import { decodeProof, type Groth16Proof } from "../../protocol/zk/groth16Proof.ts";
import { toSignalArray } from "../../protocol/zk/publicSignals.ts";
import type { Standings } from "../../host/access/standing.ts";
import type { LoginMethod } from "./loginMethod.ts";

export interface Groth16Options {
  readonly chainId: number;
  readonly threads: number;
  /** Folder of the circuits' keys; the development ones unless given. */
  readonly circuitKeysDir?: string | undefined;
}

/** Proofs under way at most, waiting ones among them; those beyond are told to come back. */
const mostUnderWay = 64;

/**
 * The agent proves in zero knowledge that it knows the key behind its registered commitment, with the statement as the action
 * (`circuits/key-ownership.circom`). Signals are computed here, never taken from the prover; proofs are verified on threads of their own.
 * @throws AffiantError ERR_INPUT_ARTIFACT, ERR_INPUT_KEY_INITIAL, ERR_INPUT_KEY_DEVELOPMENT on any chain but a local one
 */
export async function groth16(
  standings: Standings,
  { chainId, threads, circuitKeysDir }: Groth16Options,
): Promise<LoginMethod & { close(): Promise<void> }> {
  const { verificationKey, keyKind } = await readVerifyingArtifacts("key-ownership", circuitKeysDir);
  assertKeyAllowed({ verificationKey, kind: keyKind, chainId: BigInt(chainId) });
  const pool = new ProofPool({ verificationKey, threads, limit: mostUnderWay });
  return {
    name: "groth16",
    amr: ["pop", "zkp"],
    isCostly: true,
    checkCommitment(commitment) {
      if (commitment !== undefined) throw new AffiantError("ERR_INPUT_MALFORMED", "the registry has the commitment");
    },
    async verify(statement, { response }) {
      const proof = proofOf(response);
      const commitment = await standings.commitmentOf(parseEthrDid(statement.did).address);
      if (commitment === 0n) throw refused("the agent has no zero-knowledge identity");
      const signals = toSignalArray("key-ownership", { commitment, action: statementSignal(statement) });
      if (!(await pool.verify(proof, signals))) throw refused("the proof does not answer the challenge");
      return statement.did;
    },
    close: () => pool.close(),
  };
}

function proofOf(response: string): Groth16Proof {
  try {
    return decodeProof(response);
  } catch (cause) {
    throw refused("the response is no proof", cause);
  }
}

function refused(detail: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_AUTH_LOGIN", detail, { cause });
}
