import type { IncomingMessage, ServerResponse } from "node:http";

import type { JWTVerifyGetKey } from "jose";

import { conditionsOf, type ScopeConditions, type ScopeTable } from "../../protocol/access/conditions.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { type AccessToken, verifyAccessToken } from "./accessToken.ts";
import type { ChainView } from "./chainView.ts";
import { dpopAlgorithms, proofWindowSec, verifyDpopProof } from "./dpopProof.ts";
import { IssuerKeys } from "./issuerKeys.ts";
import type { DpopNonces } from "./nonces.ts";
import { type ProofMemory, SqliteProofMemory } from "./proofMemory.ts";
import { Standings } from "./standing.ts";

export interface ProtectOptions {
  /** Issuer identifier of the one authorization server whose tokens are taken. */
  readonly issuer: string;
  /** This resource's identifier (RFC 8707), an absolute URL: the tokens' audience. Its origin is what proofs are held to. */
  readonly audience: string;
  /** What each request needs, all of them; at least one. */
  readonly scopes: readonly string[];
  /** What scopes ask of the chain. A scope that is not in it asks for an active, attested agent with a policy in force. */
  readonly scopeTable?: ScopeTable;
  readonly chain: ChainView;
  readonly deployment: Deployment;
  /** Where used proofs are remembered, shared by all instances; default: in this process. */
  readonly proofs?: ProofMemory;
  /** The issuer's keys; default: fetched from its metadata. */
  readonly keys?: JWTVerifyGetKey;
  readonly allowPrivate?: boolean;
  /** Asks for nonces in proofs, so that none can be made ahead. */
  readonly nonces?: DpopNonces;
  /** Also tokens that are bound to no key. Default false. One that is bound is never taken without its proof. */
  readonly allowBearer?: boolean;
  /** Told of each use before it is allowed, and of each refusal of a token that is its issuer's. What it throws is a refusal. */
  readonly record?: (event: AccessEvent) => void | Promise<void>;
  /** Unix seconds. */
  readonly nowSec?: () => number;
}

/** One use of the resource, or one refusal. */
export interface AccessEvent {
  readonly kind: "use" | "refusal";
  readonly audience: string;
  readonly method: string;
  /** Path of the request, without its query. */
  readonly path: string;
  readonly subject: string;
  readonly clientId: string;
  readonly tokenId: string;
  readonly scopes: readonly string[];
  /** Of a refusal. */
  readonly code?: ErrorCode;
}

export interface ResourceRequest {
  readonly method: string;
  /** As in the request line: path and query. */
  readonly url: string;
  readonly authorization?: string | undefined;
  /** Value of the DPoP header; several count as none. */
  readonly dpop?: string | undefined;
}

export type AccessVerdict =
  | { readonly allowed: true; readonly token: AccessToken; readonly block: number; readonly nonce?: string }
  | {
      readonly allowed: false;
      readonly code: ErrorCode;
      readonly detail: string;
      readonly status: number;
      /** Value of WWW-Authenticate; absent where another login would not help. */
      readonly challenge?: string;
      readonly nonce?: string;
    };

export type ProtectedRequest = IncomingMessage & { access?: AccessToken; originalUrl?: string };
type Middleware = (request: ProtectedRequest, response: ServerResponse, next: (error?: unknown) => void) => void;

export interface ResourceGuard extends Middleware {
  /** Never throws for what a request holds. */
  judge(request: ResourceRequest): Promise<AccessVerdict>;
  /** RFC 9728. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly metadataPath: string;
  /** Serves the metadata; for everybody. */
  readonly serveMetadata: Middleware;
}

/**
 * Lets in who has an access token of the issuer for this resource, bound to the key that the request is signed with, whose subject
 * meets, in this block, what the scopes ask of the chain. What cannot be decided is refused.
 *
 * @throws AffiantError ERR_INPUT_CONFIG for an audience that is no URL, or without scopes
 */
export function protectResource(options: ProtectOptions): ResourceGuard {
  const guard = new Guard(options);
  const middleware: Middleware = (request, response, next) => {
    const { authorization } = request.headers;
    const { dpop } = request.headers;
    // Under a router Express takes the mount point from `url`.
    const url = request.originalUrl ?? request.url ?? "";
    const asked = {
      method: request.method ?? "",
      url,
      authorization,
      dpop: typeof dpop === "string" ? dpop : undefined,
    };
    guard.judge(asked).then((verdict) => {
      if (verdict.nonce !== undefined) response.setHeader("dpop-nonce", verdict.nonce);
      if (!verdict.allowed) return refuse(response, verdict);
      request.access = verdict.token;
      next();
    }, next);
  };
  return Object.assign(middleware, {
    judge: (request: ResourceRequest) => guard.judge(request),
    metadata: guard.metadata,
    metadataPath: new URL(guard.metadataUrl).pathname,
    serveMetadata: ((request, response, next) => {
      if (request.method !== "GET") return next();
      response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=3600" });
      response.end(JSON.stringify(guard.metadata));
    }) satisfies Middleware,
  });
}

class Guard {
  readonly #options: ProtectOptions;
  readonly #origin: string;
  readonly #keys: JWTVerifyGetKey;
  readonly #proofs: ProofMemory;
  readonly #standings: Standings;
  readonly #conditions: readonly ScopeConditions[];
  readonly #nowSec: () => number;
  readonly metadataUrl: string;
  readonly metadata: Readonly<Record<string, unknown>>;

  constructor(options: ProtectOptions) {
    const { issuer, audience, scopes, scopeTable = {}, allowPrivate = false } = options;
    if (!URL.canParse(audience) || audience.includes("#")) {
      throw new AffiantError("ERR_INPUT_CONFIG", "the audience is the resource's absolute URL without a fragment");
    }
    if (scopes.length === 0) throw new AffiantError("ERR_INPUT_CONFIG", "a protected resource names its scopes");
    this.#options = options;
    const { origin, pathname } = new URL(audience);
    this.#origin = origin;
    this.#keys = options.keys ?? new IssuerKeys({ issuer, allowPrivate }).get;
    this.#proofs = options.proofs ?? new SqliteProofMemory(":memory:");
    this.#standings = new Standings(options.chain, options.deployment);
    this.#conditions = scopes.map((scope) => conditionsOf(scopeTable, scope) ?? {});
    this.#nowSec = options.nowSec ?? (() => Math.floor(Date.now() / 1_000));
    this.metadataUrl = `${origin}/.well-known/oauth-protected-resource${pathname === "/" ? "" : pathname}`;
    this.metadata = {
      resource: audience,
      authorization_servers: [issuer],
      scopes_supported: scopes,
      bearer_methods_supported: ["header"],
      dpop_signing_alg_values_supported: dpopAlgorithms,
      dpop_bound_access_tokens_required: options.allowBearer !== true,
    };
  }

  async judge(request: ResourceRequest): Promise<AccessVerdict> {
    const { nonces } = this.#options;
    const nowSec = this.#nowSec();
    const nonce = nonces?.next(nowSec);
    let token: AccessToken | undefined;
    try {
      pathOf(request);
      const shown = tokenOf(request.authorization);
      const { issuer, audience } = this.#options;
      token = await verifyAccessToken(shown.token, { issuer, audience, keys: this.#keys, nowSec });
      const proof = await this.#checkSender(shown, token, request, nowSec);
      const block = await this.#checkRight(token);
      // Last: nobody fills the memory with what is refused anyway.
      if (proof && !(await this.#proofs.claim(proof.useId, proof.issuedAtSec + proofWindowSec + 1, nowSec))) {
        throw new AffiantError("ERR_AUTH_DPOP", "the proof was used before");
      }
      await this.#record("use", request, token);
      return { allowed: true, token, block, ...(nonce === undefined ? {} : { nonce }) };
    } catch (error) {
      const known = isAffiantError(error)
        ? error
        : new AffiantError("ERR_UNAVAILABLE_RECORD", "it cannot be decided, or not be put on record", { cause: error });
      if (token && known.code !== "ERR_UNAVAILABLE_RECORD") await this.#recordRefusal(request, token, known.code);
      return this.#refusal(known, nonce);
    }
  }

  /** That the request comes from the key the token is bound to. */
  async #checkSender(shown: ShownToken, token: AccessToken, request: ResourceRequest, nowSec: number) {
    if (token.jkt === undefined) {
      if (this.#options.allowBearer && shown.scheme === "bearer") return undefined;
      throw new AffiantError("ERR_AUTH_TOKEN", "tokens that are bound to no key are not taken here");
    }
    if (shown.scheme !== "dpop" || request.dpop === undefined) {
      throw new AffiantError("ERR_AUTH_DPOP", "the token is bound to a key: send it as DPoP, with a proof");
    }
    const url = new URL(this.#origin + pathOf(request)).href;
    const { method } = request;
    const proof = await verifyDpopProof(request.dpop, { method, url, accessToken: shown.token }, nowSec);
    if (proof.jkt !== token.jkt)
      throw new AffiantError("ERR_AUTH_DPOP", "the proof is of another key than the token's");
    const { nonces } = this.#options;
    if (nonces && (proof.nonce === undefined || !nonces.isGood(proof.nonce, nowSec))) {
      throw new AffiantError("ERR_AUTH_DPOP", "the proof needs this server's nonce", {
        details: { nonceWanted: true },
      });
    }
    return proof;
  }

  /** That the token reaches so far, and that the chain still says what it rests on. @returns the block */
  async #checkRight(token: AccessToken): Promise<number> {
    const missing = this.#options.scopes.filter((scope) => !token.scopes.includes(scope));
    if (missing.length > 0) throw new AffiantError("ERR_AUTH_SCOPE", `the token lacks ${missing.join(" ")}`);
    const standing = await this.#standings.judge(token.subject, this.#conditions);
    if (!standing.stands) throw new AffiantError(standing.code, standing.detail);
    const { block, losses, untilBlock } = token.claims;
    if (standing.block < block) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the chain is seen here as of before the token was issued");
    }
    if (untilBlock !== undefined && standing.block > untilBlock) {
      throw new AffiantError("ERR_AUTH_STANDING", "the attestation that the token rests on has ended");
    }
    if (standing.losses !== undefined && standing.losses !== losses) {
      throw new AffiantError("ERR_AUTH_STANDING", "trust was lost since the token was issued");
    }
    return standing.block;
  }

  async #recordRefusal(request: ResourceRequest, token: AccessToken, code: ErrorCode): Promise<void> {
    // It is refused whether or not that can be written down.
    await this.#record("refusal", request, token, code).catch(() => undefined);
  }

  async #record(kind: AccessEvent["kind"], request: ResourceRequest, token: AccessToken, code?: ErrorCode) {
    const { record, audience, scopes } = this.#options;
    const { subject, clientId, id: tokenId } = token;
    const path = pathOf(request);
    const what = { kind, audience, method: request.method, path, subject, clientId, tokenId, scopes };
    await record?.({ ...what, ...(code === undefined ? {} : { code }) });
  }

  #refusal({ code, message: detail, status, details }: AffiantError, nonce: string | undefined): AccessVerdict {
    const error = oauthErrors[code];
    const wants = details["nonceWanted"] === true ? "use_dpop_nonce" : error;
    const parts = [
      ...(wants === undefined ? [] : [`error="${wants}"`]),
      `scope="${this.#options.scopes.join(" ")}"`,
      `algs="${dpopAlgorithms.join(" ")}"`,
      `resource_metadata="${this.metadataUrl}"`,
    ];
    return {
      allowed: false,
      code,
      detail,
      status,
      ...(error === undefined ? {} : { challenge: `DPoP ${parts.join(", ")}` }),
      ...(nonce === undefined ? {} : { nonce }),
    };
  }
}

/** RFC 6750 §3.1, RFC 9449 §7.1. Codes that are not here are no matter of the token. */
const oauthErrors: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_AUTH_TOKEN: "invalid_token",
  ERR_AUTH_DPOP: "invalid_dpop_proof",
  ERR_AUTH_STANDING: "invalid_token",
  ERR_AUTH_SCOPE: "insufficient_scope",
};

/** @throws AffiantError ERR_INPUT_MALFORMED for what a request line holds when it is meant for a proxy */
function pathOf({ url }: ResourceRequest): string {
  const [path = ""] = url.split(/[?#]/, 1);
  if (!path.startsWith("/") || path.length > 4_096) throw new AffiantError("ERR_INPUT_MALFORMED", "not a path");
  return path;
}

interface ShownToken {
  readonly scheme: "dpop" | "bearer";
  readonly token: string;
}

/** From the header alone: a token in a body or an address ends up in logs. @throws AffiantError ERR_AUTH_TOKEN */
function tokenOf(authorization: string | undefined): ShownToken {
  const match = /^(dpop|bearer) ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? "");
  if (!match?.[1] || !match[2]) throw new AffiantError("ERR_AUTH_TOKEN", "there is no access token");
  return { scheme: match[1].toLowerCase() as ShownToken["scheme"], token: match[2] };
}

function refuse(
  response: ServerResponse,
  { code, detail, status, challenge }: AccessVerdict & { allowed: false },
): void {
  if (challenge !== undefined) response.setHeader("www-authenticate", challenge);
  response.writeHead(status, { "content-type": "application/problem+json", "cache-control": "no-store" });
  response.end(JSON.stringify(toProblem(new AffiantError(code, detail))));
}
