import { errors } from "oidc-provider";

import type { AffiantError } from "../../protocol/errors/affiantError.ts";

/** What OAuth calls one of our errors, and its HTTP status. What is no client's doing is never said to be. */
export function oauthErrorOf({ code, status, details }: AffiantError): {
  readonly error: string;
  readonly status: number;
} {
  if (typeof details["oauth"] === "string") return { error: details["oauth"], status: 400 };
  if (status === 429 || status === 503) return { error: "temporarily_unavailable", status };
  if (code.startsWith("ERR_INPUT_")) return { error: "invalid_request", status: 400 };
  return status >= 500 ? { error: "server_error", status } : { error: "access_denied", status: 400 };
}

/** The error as oidc-provider throws its own. @param refused what OAuth calls a refusal at this endpoint */
export function toProviderError(error: AffiantError, refused = "invalid_grant"): Error {
  const { error: name, status } = oauthErrorOf(error);
  if (name === "access_denied" && refused === "invalid_grant") return new errors.InvalidGrant(error.message);
  const thrown = new errors.CustomOIDCProviderError(name, error.message);
  thrown.status = status;
  thrown.statusCode = status;
  return thrown;
}
