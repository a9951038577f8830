import { createHash } from "node:crypto";

import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** Signature algorithms of proofs, as metadata says them (RFC 9449 §5.1). */
export const dpopAlgorithms: readonly string[] = ["ES256", "Ed25519", "EdDSA"];

/** What the request is, as this server knows it, not as the request says. */
export interface ProvedRequest {
  /** HTTP method. */
  readonly method: string;
  /** Absolute, without query and fragment. */
  readonly url: string;
  readonly accessToken?: string | undefined;
}

export interface DpopProof {
  /** RFC 7638 thumbprint of the key, base64url. */
  readonly jkt: string;
  /** One use of a proof: key and `jti` together, 43 characters. */
  readonly useId: string;
  readonly issuedAtSec: number;
  readonly nonce?: string;
}

/** How far from now a proof may have been made, either way. */
export const proofWindowSec = 60;

/**
 * Verifies a DPoP proof (RFC 9449 §4.3) but for its nonce and its one use, which are the caller's.
 * @param proof value of the header
 * @throws AffiantError ERR_AUTH_DPOP
 */
export async function verifyDpopProof(proof: string, request: ProvedRequest, nowSec: number): Promise<DpopProof> {
  if (proof.length > 4_096) throw refused("the proof is too long");
  const verified = await jwtVerify(proof, EmbeddedJWK, {
    typ: "dpop+jwt",
    algorithms: [...dpopAlgorithms],
    currentDate: new Date(nowSec * 1_000),
  }).catch((cause: unknown) => {
    throw refused("the proof's form or signature is wrong", cause);
  });
  const { protectedHeader, payload } = verified;
  const { jti, iat, htm, htu, ath, nonce } = payload;
  if (typeof jti !== "string" || jti === "" || jti.length > 256) throw refused("the proof has no jti");
  if (typeof iat !== "number" || Math.abs(nowSec - iat) > proofWindowSec) throw refused("the proof is not of now");
  if (htm !== request.method) throw refused("the proof is for another method");
  if (typeof htu !== "string" || !isSameUrl(htu, request.url)) throw refused("the proof is for another address");
  if (request.accessToken !== undefined && ath !== digestOf(request.accessToken)) {
    throw refused("the proof is for another token");
  }
  if (nonce !== undefined && typeof nonce !== "string") throw refused("the proof's nonce is no text");
  // EmbeddedJWK has made sure that there is one, and that it is public.
  const jkt = await calculateJwkThumbprint(protectedHeader.jwk as object);
  return { jkt, useId: digestOf(`${jkt} ${jti}`), issuedAtSec: iat, ...(nonce === undefined ? {} : { nonce }) };
}

function isSameUrl(said: string, own: string): boolean {
  if (!URL.canParse(said)) return false;
  const url = new URL(said);
  url.search = "";
  url.hash = "";
  return url.href === own;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function refused(detail: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_AUTH_DPOP", detail, { cause });
}
