import { fromHex, type Hex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { decodeProof, type Groth16Proof } from "../zk/groth16Proof.ts";
import type { KeyOwnershipClaim } from "../zk/keyOwnership.ts";

/** `POST /v1/proofs/key-ownership`. Numbers are decimal text: JSON's own lose digits. */
export interface KeyOwnershipSubmission {
  readonly claim: {
    readonly agent: string;
    readonly commitment: string;
    readonly recipient: string;
    readonly nonce: string;
    readonly deadline: string;
  };
  /** 256 bytes. */
  readonly proof: Hex;
  /** The agent's owner's EIP-712 signature of the claim. */
  readonly signature: Hex;
}

export interface ReadKeyOwnershipSubmission {
  readonly claim: KeyOwnershipClaim;
  readonly encodedProof: Hex;
  readonly proof: Groth16Proof;
  readonly signature: Hex;
}

export function writeKeyOwnershipSubmission(
  claim: KeyOwnershipClaim,
  proof: Hex,
  signature: Hex,
): KeyOwnershipSubmission {
  const { agent, recipient } = claim;
  const [commitment, nonce, deadline] = [claim.commitment, claim.nonce, claim.deadline].map(String) as [
    string,
    string,
    string,
  ];
  return { claim: { agent, commitment, recipient, nonce, deadline }, proof, signature };
}

/**
 * Reads the body of a submission.
 * @throws AffiantError ERR_INPUT_MALFORMED, ERR_INPUT_ENCODING, ERR_INPUT_PROOF
 */
export function readKeyOwnershipSubmission(body: unknown): ReadKeyOwnershipSubmission {
  if (!isRecord(body) || !isRecord(body["claim"])) throw malformed("claim, proof and signature are needed");
  const { claim, proof, signature } = body;
  if (typeof proof !== "string" || typeof signature !== "string") throw malformed("proof and signature must be hex");
  fromHex(signature);
  return {
    claim: {
      agent: readAddress(claim, "agent"),
      commitment: readUint256(claim, "commitment"),
      recipient: readAddress(claim, "recipient"),
      nonce: readUint256(claim, "nonce"),
      deadline: readUint256(claim, "deadline"),
    },
    encodedProof: proof as Hex,
    proof: decodeProof(proof),
    signature: signature as Hex,
  };
}

function readAddress(claim: Record<string, unknown>, name: string): string {
  const value = claim[name];
  if (typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value)) return value;
  throw malformed(`claim.${name} must be an address`);
}

function readUint256(claim: Record<string, unknown>, name: string): bigint {
  const value = claim[name];
  if (typeof value === "string" && /^(0|[1-9][0-9]{0,77})$/.test(value) && BigInt(value) >> 256n === 0n) {
    return BigInt(value);
  }
  throw malformed(`claim.${name} must be a number below 2^256 as decimal text`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(reason: string): AffiantError {
  return new AffiantError("ERR_INPUT_MALFORMED", reason);
}
