import { createLocalJWKSet, type JWK } from "jose";
import type Provider from "oidc-provider";

import { conditionsOf, type ScopeTable } from "../../protocol/access/conditions.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { verifyAccessToken } from "../../host/access/accessToken.ts";
import type { Standings } from "../../host/access/standing.ts";
import { addEndpoint, type EndpointContext } from "../provider/internals.ts";
import { introspectionPath, revocationPath } from "../provider/createProvider.ts";
import type { Audit } from "../store/audit.ts";
import type { TokenTable } from "./tokenTable.ts";

export interface TokenEndpointParts {
  readonly issuer: string;
  readonly keys: readonly JWK[];
  readonly tokens: TokenTable;
  readonly standings: Standings;
  readonly scopeTable: ScopeTable;
  readonly audit: Audit;
  readonly nowSec: () => number;
}

/**
 * RFC 7662 and RFC 7009 for tokens that are JWTs, which oidc-provider's own endpoints refuse. Introspection also asks the chain: a
 * token whose subject lost trust is not active, whatever its `exp` says.
 */
export function addTokenEndpoints(provider: Provider, parts: TokenEndpointParts): void {
  const keys = createLocalJWKSet({ keys: parts.keys.map(({ d: _secret, ...jwk }) => jwk) });
  const parameters = ["token", "token_type_hint"];

  /** The claims of a token that is ours, in force, and the caller's to ask about. */
  const find = async (ctx: EndpointContext) => {
    const { token = "" } = ctx.oidc.params;
    const audience = audienceOf(token);
    if (audience === undefined) return undefined;
    const { issuer, nowSec } = parts;
    const read = await verifyAccessToken(token, { issuer, audience, keys, nowSec: nowSec() }).catch(() => undefined);
    const found = read && parts.tokens.find(read.id);
    const { client } = ctx.oidc;
    // A public client proves nothing of itself: it may ask about its own tokens only.
    const isConfidential = (client as { clientAuthMethod?: string }).clientAuthMethod !== "none";
    return read && found && (isConfidential || found.clientId === client.clientId) ? { read, ...found } : undefined;
  };

  addEndpoint(provider, { name: "introspection", path: introspectionPath, parameters }, async (ctx) => {
    ctx.body = { active: false };
    const found = await find(ctx);
    if (!found) return;
    const { read, claims } = found;
    const conditions = read.scopes.map((scope) => conditionsOf(parts.scopeTable, scope) ?? {});
    const standing = await parts.standings.judge(read.subject, conditions);
    if (!standing.stands || standing.losses !== read.claims.losses) return;
    if (standing.block > (read.claims.untilBlock ?? Infinity)) return;
    ctx.body = { active: true, token_type: "DPoP", ...claims };
  });

  addEndpoint(provider, { name: "revocation", path: revocationPath, parameters }, async (ctx) => {
    ctx.body = "";
    const found = await find(ctx).catch((error: unknown) => {
      if (isAffiantError(error)) return undefined;
      throw error;
    });
    // RFC 7009 §2.2: what is unknown, or another client's, is answered as what is revoked.
    if (!found || found.clientId !== ctx.oidc.client.clientId) return;
    parts.tokens.revoke(found.read.id);
    const { subject, id: tokenId } = found.read;
    parts.audit.enter({ kind: "revocation", subject, tokenId, clientId: found.clientId });
  });
}

/** The audience that a token names, unverified: whoever holds it is asked nothing by it. */
function audienceOf(token: string): string | undefined {
  try {
    const { aud } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
      aud?: unknown;
    };
    return typeof aud === "string" ? aud : undefined;
  } catch {
    return undefined;
  }
}
