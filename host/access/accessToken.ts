import { type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";

import { type AccessClaims, accessClaim, readAccessClaims } from "../../protocol/access/accessClaims.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";

/** What is issued, and what is taken: RFC 9864 names one curve by its own name, older issuers say EdDSA. */
export const tokenAlgorithms: readonly string[] = ["Ed25519", "EdDSA"];

/** How far clocks may differ. */
const clockToleranceSec = 5;

export interface AccessToken {
  readonly subject: string;
  readonly clientId: string;
  /** One of its kind at its issuer. */
  readonly id: string;
  readonly scopes: readonly string[];
  readonly expiresAtSec: number;
  /** Thumbprint of the key that may use it; absent for a plain Bearer token. */
  readonly jkt?: string;
  readonly acr?: string;
  readonly claims: AccessClaims;
  readonly authorizationDetails?: unknown;
}

export interface TokenTerms {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: JWTVerifyGetKey;
  readonly nowSec: number;
}

/**
 * Verifies an access token of the profile of RFC 9068.
 * @throws AffiantError ERR_AUTH_TOKEN, ERR_UNAVAILABLE_ISSUER
 */
export async function verifyAccessToken(token: string, terms: TokenTerms): Promise<AccessToken> {
  if (token.length > 16_384) throw new AffiantError("ERR_AUTH_TOKEN", "the token is too long");
  const { payload } = await jwtVerify(token, terms.keys, {
    issuer: terms.issuer,
    audience: terms.audience,
    typ: "at+jwt",
    algorithms: [...tokenAlgorithms],
    requiredClaims: ["exp", "iat", "sub", "client_id", "jti"],
    clockTolerance: clockToleranceSec,
    currentDate: new Date(terms.nowSec * 1_000),
  }).catch((cause: unknown) => {
    if (isAffiantError(cause)) throw cause;
    throw new AffiantError("ERR_AUTH_TOKEN", "the token is not this issuer's for this resource, or has ended", {
      cause,
    });
  });
  return read(payload, terms.nowSec);
}

function read(payload: JWTPayload, nowSec: number): AccessToken {
  const { sub, client_id, jti, scope, exp, iat, cnf, acr, authorization_details } = payload;
  if (!isText(sub) || !isText(client_id) || !isText(jti)) throw malformed("names");
  // Audience is one: RFC 8707 §3, a token that several take can be passed on among them.
  if (Array.isArray(payload.aud)) throw malformed("one audience");
  if ((iat as number) > nowSec + clockToleranceSec) throw malformed("a time of issue that is past");
  const jkt = (cnf as { readonly jkt?: unknown } | undefined)?.jkt;
  if (cnf !== undefined && !isText(jkt)) throw malformed("a key that is understood here");
  return {
    subject: sub,
    clientId: client_id,
    id: jti,
    scopes: isText(scope) ? scope.split(" ") : [],
    expiresAtSec: exp as number,
    ...(isText(jkt) ? { jkt } : {}),
    ...(isText(acr) ? { acr } : {}),
    claims: readAccessClaims(payload[accessClaim]),
    ...(authorization_details === undefined ? {} : { authorizationDetails: authorization_details }),
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 2_048;
}

function malformed(what: string): AffiantError {
  return new AffiantError("ERR_AUTH_TOKEN", `the token lacks ${what}`);
}
