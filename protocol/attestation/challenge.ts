import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { parseEthrDid, type EthrDid } from "../did/ethr.ts";
import { bytesEqual, utf8 } from "../encoding/bytes.ts";
import { fromHex, type Hex, isHex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { canonicalJsonBytes } from "../json/canonical.ts";

/** What is asked of a target. */
export interface Question {
  /** Round of the registry; 0 outside of the rounds. */
  readonly round: number;
  readonly target: EthrDid;
  /** Who asks: the evidence is made out to it, so that it cannot be shown to another as an answer to that one. */
  readonly verifier: EthrDid;
  /** N, 32 bytes, drawn by the service for this pair and round. */
  readonly nonce: Hex;
}

/** What a verifier sends to a target: `POST /v1/attestation/challenge`. */
export interface Challenge extends Question {
  /** 32 bytes, from {@link commissionOf}: measuring costs the target's host, and the service alone may have it done. */
  readonly commission: Hex;
}

const info = utf8("affiant attestation commission 1");

/**
 * HMAC-SHA-256(HKDF-SHA-256(ikm = k, no salt, info), JCS(question)): the service's word to a wrapper that this is asked on its
 * behalf. It learns nothing by which the answer could be known: that takes the measurement as well.
 * @param agentKey k, 32 bytes, which only the service and the wrapper know
 */
export function commissionOf({ round, target, verifier, nonce }: Question, agentKey: Uint8Array): Hex {
  const key = hkdf(sha256, agentKey, undefined, info, 32);
  return toHex(hmac(sha256, key, canonicalJsonBytes({ round, target, verifier, nonce })));
}

/** @param agentKey k, 32 bytes */
export function isCommissioned(challenge: Challenge, agentKey: Uint8Array): boolean {
  return bytesEqual(fromHex(commissionOf(challenge, agentKey), 32), fromHex(challenge.commission, 32));
}

/** @throws AffiantError ERR_INPUT_ATTESTATION, ERR_INPUT_DID */
export function parseChallenge(value: unknown): Challenge {
  const { round, target, verifier, nonce, commission, ...rest } = (value ?? {}) as Record<string, unknown>;
  const sound = Number.isSafeInteger(round) && (round as number) >= 0 && isHex(nonce, 32) && isHex(commission, 32);
  if (!sound || typeof target !== "string" || typeof verifier !== "string" || Object.keys(rest).length > 0) {
    throw new AffiantError("ERR_INPUT_ATTESTATION", "a challenge is {round, target, verifier, nonce, commission}");
  }
  parseEthrDid(target);
  parseEthrDid(verifier);
  return {
    round: round as number,
    target: target as EthrDid,
    verifier: verifier as EthrDid,
    nonce: nonce as Hex,
    commission: commission as Hex,
  };
}
