import type { JWK } from "jose";
import Provider, { type AccessToken, type Configuration, errors, type KoaContextWithOIDC } from "oidc-provider";

import { accessClaim } from "../../protocol/access/accessClaims.ts";
import {
  challengeEndpointMetadata,
  challengePath,
  loginMethods,
  loginMethodsMetadata,
} from "../../protocol/access/names.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { StandingVerdict } from "../../host/access/standing.ts";
import type { ScopeJudge } from "../scopes/scopeJudge.ts";
import type { AccessSettings } from "../settings.ts";
import type { Audit } from "../store/audit.ts";
import type { TokenTable } from "../tokens/tokenTable.ts";
import { toProviderError } from "./oauthError.ts";

export interface ProviderParts {
  readonly settings: AccessSettings;
  readonly keys: readonly JWK[];
  readonly nonceSecret: Buffer;
  readonly adapter: NonNullable<Configuration["adapter"]>;
  readonly judge: ScopeJudge;
  readonly tokens: TokenTable;
  readonly audit: Audit;
}

export const introspectionPath = "/token/introspection";
export const revocationPath = "/token/revocation";
const codeTtlSec = 60;
const algorithms = ["Ed25519", "EdDSA", "ES256"] as const;

/**
 * oidc-provider as this system needs it: codes with PKCE, pushed requests only, tokens of RFC 9068 for one resource, always bound to a
 * DPoP key whose proofs carry this server's nonce. Whether a token is issued is decided when it is asked for, by the chain at that block.
 */
export function createProvider(parts: ProviderParts): Provider {
  const { settings, keys, nonceSecret, adapter, judge } = parts;
  const { issuer, clients, tokenTtlSec = 300 } = settings;
  const issuing = new TokenIssue(parts);
  const at = (path: string): string => new URL(new URL(issuer).pathname.replace(/\/$/, "") + path, issuer).href;
  return new Provider(issuer, {
    adapter,
    clients: [...clients],
    jwks: { keys: keys as never },
    responseTypes: ["code"],
    clientAuthMethods: ["none", "private_key_jwt"],
    clientDefaults: {
      grant_types: ["authorization_code"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      id_token_signed_response_alg: "Ed25519",
      dpop_bound_access_tokens: true,
    },
    enabledJWA: {
      clientAuthSigningAlgValues: [...algorithms],
      dPoPSigningAlgValues: [...algorithms],
      idTokenSigningAlgValues: ["Ed25519", "EdDSA"],
    },
    scopes: [],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => Promise.resolve(false),
    ttl: { AuthorizationCode: codeTtlSec, Grant: codeTtlSec + tokenTtlSec, AccessToken: tokenTtlSec },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: true, nonceSecret, requireNonce: () => true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          const scopes = judge.scopesOf(resource);
          if (!scopes) throw new errors.InvalidTarget();
          return {
            scope: scopes.join(" "),
            audience: resource,
            accessTokenFormat: "jwt",
            accessTokenTTL: tokenTtlSec,
            jwt: { sign: { alg: "Ed25519" } },
          };
        },
      },
    },
    findAccount: (ctx, subject, source) => issuing.findAccount(ctx, subject, source),
    formats: { customizers: { jwt: (ctx, token, jwt) => issuing.complete(ctx, token as AccessToken, jwt) } },
    discovery: {
      [challengeEndpointMetadata]: at(challengePath),
      [loginMethodsMetadata]: [...loginMethods],
      introspection_endpoint: at(introspectionPath),
      revocation_endpoint: at(revocationPath),
    },
    renderError(ctx, out) {
      ctx.type = "json";
      ctx.body = out;
    },
  });
}

/** What goes into a token beside what oidc-provider puts there, and whether there is one at all. */
class TokenIssue {
  readonly #parts: ProviderParts;
  /** By request: what the chain said when the account was looked up is what the token rests on. */
  readonly #standing = new WeakMap<object, StandingVerdict & { readonly stands: true }>();

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  /** A code may be a minute old: what it was given for is asked of the chain again. */
  async findAccount(ctx: KoaContextWithOIDC, subject: string, source: unknown) {
    const { scope, kind, clientId } = (source ?? {}) as { scope?: string; kind?: string; clientId?: string };
    if (kind === "AuthorizationCode") {
      try {
        this.#standing.set(ctx, await this.#parts.judge.grant(subject, scope ?? ""));
      } catch (error) {
        if (!isAffiantError(error)) throw error;
        const { code, message: detail } = error;
        this.#parts.audit.enter({ kind: "refusal", subject, code, detail, scope: scope ?? "", ...named({ clientId }) });
        throw toProviderError(error);
      }
    }
    return { accountId: subject, claims: () => ({ sub: subject }) };
  }

  /** Before it is signed: the token is on record, or it is not made. */
  async complete(
    ctx: KoaContextWithOIDC,
    token: AccessToken,
    jwt: { payload: Record<string, unknown> },
  ): Promise<void> {
    const standing = this.#standing.get(ctx);
    const code = ctx.oidc.entities.AuthorizationCode;
    // No token for anybody whom the chain was not asked about in this very request.
    if (!standing || !code) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "a token that rests on nothing");
    const { block, losses, untilBlock } = standing;
    Object.assign(jwt.payload, {
      auth_time: code.authTime,
      acr: code.acr,
      amr: code.amr,
      [accessClaim]: { block, ...named({ losses, untilBlock }) },
    });
    if (!jwt.payload["scope"] || !jwt.payload["cnf"]) {
      throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "a token without scope or key");
    }
    this.#parts.tokens.issue(jwt.payload, token.grantId);
    return Promise.resolve();
  }
}

function named<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
