import type { IncomingMessage } from "node:http";

import {
  createLocalJWKSet,
  decodeJwt,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from "jose";

import { guardedFetch } from "../../../host/fetch/guardedFetch.ts";
import { AffiantError, isAffiantError } from "../../../protocol/errors/affiantError.ts";
import type { JsonObject } from "../readMessage.ts";
import type { Guard } from "./frontOptions.ts";

export interface BearerGuardOptions {
  /** The resource identifier: what a token's audience must be (RFC 8707), and what metadata says (RFC 9728). */
  readonly resource: string;
  /** Issuers whose plain Bearer tokens are taken, by their identifiers (RFC 8414). */
  readonly issuers: readonly BearerIssuer[];
  /** All of them are needed. */
  readonly scopes?: readonly string[];
  /** Whether issuers may be on this machine or in a private network. */
  readonly allowPrivate?: boolean;
  readonly nowSec?: () => number;
}

export interface BearerIssuer {
  readonly issuer: string;
  /** Where its keys are, if not where its metadata says. */
  readonly jwksUri?: string;
}

// Signatures that anybody can check; never a secret shared with the issuer, never `none`.
const algorithms = [
  "Ed25519",
  "EdDSA",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
];
const clockToleranceSec = 5;
const maxTokenChars = 16_384;
const keysMaxAgeMs = 10 * 60_000;
/** An unknown key has them fetched anew, but no more often than this: anybody can name a key that is not there. */
const keysPauseMs = 30_000;
const fetchLimits = { timeoutMs: 5_000, maxBytes: 262_144 };

/**
 * A protected resource of OAuth 2.1, as MCP's authorization chapter asks: the token is a JWT of an issuer that was configured, for
 * this resource and no other. A token that is bound to a key (RFC 7800 `cnf`) is not taken as a plain one: who stole it would be
 * served.
 */
export class BearerGuard implements Guard {
  readonly #options: BearerGuardOptions;
  readonly #keys: ReadonlyMap<string, JWTVerifyGetKey>;

  constructor(options: BearerGuardOptions) {
    this.#options = options;
    this.#keys = new Map(
      options.issuers.map((issuer) => [issuer.issuer, keysOf(issuer, options.allowPrivate ?? false)]),
    );
  }

  get metadata(): JsonObject {
    const { resource, scopes = [] } = this.#options;
    return {
      resource,
      authorization_servers: [...this.#keys.keys()],
      bearer_methods_supported: ["header"],
      ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    };
  }

  challenge({ code, message }: AffiantError): string {
    const { resource, scopes = [] } = this.#options;
    const at = new URL(resource);
    const error = code === "ERR_AUTH_SCOPE" ? "insufficient_scope" : "invalid_token";
    const parts = [
      `resource_metadata="${at.origin}/.well-known/oauth-protected-resource${at.pathname === "/" ? "" : at.pathname}"`,
      ...(scopes.length > 0 ? [`scope="${scopes.join(" ")}"`] : []),
      // RFC 6750 §3.1: who sent no token is told of no error.
      ...(message === noToken ? [] : [`error="${error}"`, `error_description="${message.replaceAll(/["\\]/g, "'")}"`]),
    ];
    return `Bearer ${parts.join(", ")}`;
  }

  /** @throws AffiantError ERR_AUTH_TOKEN, ERR_AUTH_SCOPE, ERR_UNAVAILABLE_ISSUER */
  async check(request: IncomingMessage): Promise<JsonObject> {
    const token = tokenOf(request.headers.authorization);
    const payload = await this.#verified(token);
    const granted = typeof payload["scope"] === "string" ? payload["scope"].split(" ") : [];
    const missing = (this.#options.scopes ?? []).filter((scope) => !granted.includes(scope));
    if (missing.length > 0) throw new AffiantError("ERR_AUTH_SCOPE", `the token lacks the scope ${missing.join(" ")}`);
    const client = payload["client_id"] ?? payload["azp"];
    return {
      issuer: payload.iss as string,
      subject: payload.sub as string,
      ...(typeof client === "string" ? { client } : {}),
    };
  }

  async #verified(token: string): Promise<JWTPayload> {
    const issuer = issuerIn(token);
    const keys = issuer === undefined ? undefined : this.#keys.get(issuer);
    if (issuer === undefined || keys === undefined)
      throw new AffiantError("ERR_AUTH_TOKEN", "the token is of no issuer that is known here");
    const nowSec = this.#options.nowSec?.() ?? Math.floor(Date.now() / 1000);
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, {
        issuer,
        audience: this.#options.resource,
        algorithms,
        requiredClaims: ["exp", "sub"],
        clockTolerance: clockToleranceSec,
        currentDate: new Date(nowSec * 1_000),
      }));
    } catch (error) {
      if (isAffiantError(error)) throw error;
      throw new AffiantError("ERR_AUTH_TOKEN", faultOf(error), { cause: error });
    }
    if (payload["cnf"] !== undefined) {
      throw new AffiantError("ERR_AUTH_TOKEN", "the token is bound to a key, and is not taken as a plain one");
    }
    if (payload.sub === "") throw new AffiantError("ERR_AUTH_TOKEN", "the token says nobody's name");
    return payload;
  }
}

const noToken = "an access token is needed";

function tokenOf(authorization: string | undefined): string {
  if (authorization === undefined) throw new AffiantError("ERR_AUTH_TOKEN", noToken);
  const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
  if (token === undefined || token.length > maxTokenChars) {
    throw new AffiantError("ERR_AUTH_TOKEN", "the header Authorization holds no Bearer token");
  }
  return token;
}

function issuerIn(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function faultOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud")
    return "the token is for another resource";
  return "the token does not verify";
}

function keysOf({ issuer, jwksUri }: BearerIssuer, allowPrivate: boolean): JWTVerifyGetKey {
  let known: { readonly get: JWTVerifyGetKey; readonly atMs: number } | undefined;
  let fetching: Promise<void> | undefined;
  let triedAtMs = -Infinity;
  const fetchKeys = async (): Promise<void> => {
    triedAtMs = performance.now();
    const at = jwksUri ?? (await jwksUriOf(issuer, allowPrivate));
    known = {
      get: createLocalJWKSet((await json(at, allowPrivate)) as unknown as JSONWebKeySet),
      atMs: performance.now(),
    };
  };
  const fetchOnce = async (): Promise<void> => {
    try {
      await (fetching ??= fetchKeys());
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_ISSUER", `the keys of ${issuer} cannot be had`, { cause });
    } finally {
      fetching = undefined;
    }
  };
  return async (header, token) => {
    const isOld = known === undefined || performance.now() - known.atMs > keysMaxAgeMs;
    if (isOld) await fetchOnce();
    const ask = (): ReturnType<JWTVerifyGetKey> => (known as { readonly get: JWTVerifyGetKey }).get(header, token);
    try {
      return await ask();
    } catch (error) {
      if (performance.now() - triedAtMs <= keysPauseMs) throw error;
      await fetchOnce();
      return ask();
    }
  };
}

/** RFC 8414 §3, and OpenID Connect Discovery where there is none. The metadata must be this issuer's own (§3.3). */
async function jwksUriOf(issuer: string, allowPrivate: boolean): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname === "/" ? "" : pathname;
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  let fault: unknown;
  for (const place of places) {
    try {
      const { issuer: named, jwks_uri: at } = await json(place, allowPrivate);
      if (named === issuer && typeof at === "string") return at;
      fault = new Error(`${place} is another issuer's`);
    } catch (error) {
      fault = error;
    }
  }
  throw fault;
}

async function json(url: string, allowPrivate: boolean): Promise<Record<string, unknown>> {
  const { ok, status, body } = await guardedFetch(url, { ...fetchLimits, allowPrivate });
  if (!ok) throw new Error(`${url} answers ${status}`);
  return JSON.parse(body.toString("utf8")) as Record<string, unknown>;
}
