/**
 * Every name of the login that stands on the wire. The flow is that of OAuth 2.0 for First-Party Applications
 * (draft-ietf-oauth-first-party-apps-04, July 2026); what the draft leaves to an implementation is ours, and stands here alone.
 */

/** The draft's: metadata of the server (RFC 8414), and what the endpoint takes and gives. */
export const challengeEndpointMetadata = "authorization_challenge_endpoint";
export const insufficientAuthorization = "insufficient_authorization";
export const invalidSession = "invalid_session";

/** Ours: parameters of a request and members of an answer. */
export const loginParameters = {
  /** Who logs in, a did:ethr. Absent where the method keeps that to itself. */
  did: "did",
  /** One of {@link loginMethods}. */
  method: "login_method",
  /** The prover's first move, where the method has one. */
  commitment: "commitment",
  /** 32 random bytes of the server, base64url. */
  challenge: "challenge",
  /** Unix seconds at which the challenge ends. */
  challengeEndsAt: "challenge_expires_at",
  /** The answer to the challenge; its form is the method's. */
  response: "response",
} as const;

/** Metadata of the server: the methods it takes. */
export const loginMethodsMetadata = "affiant_login_methods_supported";

/** How an agent may show who, or what, it is. */
export const loginMethods = ["did-sig", "schnorr", "groth16"] as const;
export type LoginMethodName = (typeof loginMethods)[number];

export function isLoginMethod(value: unknown): value is LoginMethodName {
  return (loginMethods as readonly unknown[]).includes(value);
}

/** `acr` of a token (RFC 9068): which method it rests on. */
export function acrOf(method: LoginMethodName): string {
  return `urn:affiant:acr:${method}`;
}

/** The path of the endpoint below the issuer. */
export const challengePath = "/authorize-challenge";
