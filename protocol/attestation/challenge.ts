import { parseEthrDid, type EthrDid } from "../did/ethr.ts";
import { type Hex, isHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";

/** What a verifier asks a target: `POST /v1/attestation/challenge`. */
export interface Challenge {
  /** Round of the registry; 0 outside of the rounds. */
  readonly round: number;
  readonly target: EthrDid;
  /** Who asks: the evidence is made out to it, so that it cannot be shown to another as an answer to that one. */
  readonly verifier: EthrDid;
  /** N, 32 bytes, drawn by the service for this pair and round. */
  readonly nonce: Hex;
}

/** @throws AffiantError ERR_INPUT_ATTESTATION, ERR_INPUT_DID */
export function parseChallenge(value: unknown): Challenge {
  const { round, target, verifier, nonce, ...rest } = (value ?? {}) as Record<string, unknown>;
  const sound = Number.isSafeInteger(round) && (round as number) >= 0 && isHex(nonce, 32);
  if (!sound || typeof target !== "string" || typeof verifier !== "string" || Object.keys(rest).length > 0) {
    throw new AffiantError("ERR_INPUT_ATTESTATION", "a challenge is {round, target, verifier, nonce}");
  }
  parseEthrDid(target);
  parseEthrDid(verifier);
  return { round: round as number, target: target as EthrDid, verifier: verifier as EthrDid, nonce: nonce as Hex };
}
