import { randomBytes } from "node:crypto";

import type Provider from "oidc-provider";

import {
  acrOf,
  challengePath,
  insufficientAuthorization,
  invalidSession,
  isLoginMethod,
  type LoginMethodName,
  loginParameters as ours,
} from "../../protocol/access/names.ts";
import type { LoginStatement } from "../../protocol/access/statement.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { LoginMethod } from "../methods/loginMethod.ts";
import { addEndpoint, dpopKeyOf, type EndpointContext, type ProviderClient } from "../provider/internals.ts";
import { oauthErrorOf } from "../provider/oauthError.ts";
import type { ScopeJudge } from "../scopes/scopeJudge.ts";
import type { Audit } from "../store/audit.ts";
import type { Failures } from "./failures.ts";
import type { LoginSessions } from "./loginSessions.ts";

export interface ChallengeParts {
  readonly issuer: string;
  readonly chainId: number;
  readonly methods: ReadonlyMap<LoginMethodName, LoginMethod>;
  readonly sessions: LoginSessions;
  readonly judge: ScopeJudge;
  readonly failures: Failures;
  readonly audit: Audit;
  readonly challengeTtlSec: number;
  readonly nowSec: () => number;
  /** Whom a request is charged to. */
  readonly addressOf: (ctx: EndpointContext) => string;
}

const parameters = [
  "response_type",
  "scope",
  "resource",
  "code_challenge",
  "code_challenge_method",
  "dpop_jkt",
  "auth_session",
  ours.did,
  ours.method,
  ours.commitment,
  ours.response,
];

/**
 * The Authorization Challenge Endpoint (draft-ietf-oauth-first-party-apps): the first request says who logs in, how and for what, and
 * gets a challenge; the second one answers it, and gets a code. What the code is for was fixed by the first.
 */
export function addChallengeEndpoint(provider: Provider, parts: ChallengeParts): void {
  const login = new Login(provider, parts);
  addEndpoint(provider, { name: "authorization_challenge", path: challengePath, parameters }, (ctx) =>
    login.handle(ctx),
  );
}

class Login {
  readonly #provider: Provider;
  readonly #parts: ChallengeParts;

  constructor(provider: Provider, parts: ChallengeParts) {
    this.#provider = provider;
    this.#parts = parts;
  }

  async handle(ctx: EndpointContext): Promise<void> {
    // A proof that is wrong, or lacks the nonce, is refused before anything is used up.
    const key = await dpopKeyOf(ctx);
    try {
      await (ctx.oidc.params["auth_session"] === undefined ? this.#challenge(ctx, key) : this.#answer(ctx, key));
    } catch (error) {
      if (!isAffiantError(error)) throw error;
      const { error: name, status } = oauthErrorOf(error);
      ctx.status = status;
      const { retryAfterSec } = error.details;
      if (typeof retryAfterSec === "number") ctx.set("retry-after", String(retryAfterSec));
      ctx.body = { error: name, error_description: ascii(error.message), code: error.code };
    }
  }

  #challenge(ctx: EndpointContext, key: string | undefined): Promise<void> {
    const { issuer, sessions, challengeTtlSec, nowSec } = this.#parts;
    const { params, client } = ctx.oidc;
    const method = this.#methodOf(params[ours.method]);
    const commitment = params[ours.commitment];
    method.checkCommitment(commitment);
    const challenge = randomBytes(32).toString("base64url");
    const expiresAtSec = nowSec() + challengeTtlSec;
    const asked = this.#asked(params, client, key);
    const statement = { issuer, clientId: client.clientId, method: method.name, challenge, expiresAtSec, ...asked };
    const proofOfKey = key !== undefined;
    const session = sessions.open({ statement, proofOfKey, ...(commitment === undefined ? {} : { commitment }) });
    ctx.status = 400;
    ctx.body = {
      error: insufficientAuthorization,
      error_description: "answer the challenge",
      auth_session: session,
      [ours.method]: method.name,
      [ours.challenge]: challenge,
      [ours.challengeEndsAt]: expiresAtSec,
    };
    return Promise.resolve();
  }

  /** What the client asks for, each value held to its form. */
  #asked(params: EndpointContext["oidc"]["params"], client: ProviderClient, key: string | undefined) {
    const { scope = "", resource = "", code_challenge: codeChallenge = "" } = params;
    if (params["response_type"] !== "code") throw malformed("response_type must be code");
    if (!client.grantTypeAllowed("authorization_code")) throw malformed("the client may not use codes");
    if (params["code_challenge_method"] !== "S256" || !/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) {
      throw malformed("a code_challenge of S256 is needed");
    }
    const jkt = params["dpop_jkt"] ?? key;
    if (jkt === undefined || !/^[A-Za-z0-9_-]{43}$/.test(jkt)) throw malformed("a DPoP proof, or dpop_jkt, is needed");
    if (key !== undefined && key !== jkt) throw malformed("dpop_jkt is not the key of the proof");
    this.#parts.judge.checkAsked(resource, scope);
    return { did: this.#didOf(params[ours.did]), jkt, codeChallenge, scope, resource };
  }

  #didOf(did = ""): string {
    if (parseEthrDid(did).chainId === BigInt(this.#parts.chainId)) return did;
    throw malformed("the DID is of another chain");
  }

  #methodOf(name: string | undefined): LoginMethod {
    const method = isLoginMethod(name) ? this.#parts.methods.get(name) : undefined;
    if (!method) throw malformed(`${ours.method} is none of this server's`);
    return method;
  }

  async #answer(ctx: EndpointContext, key: string | undefined): Promise<void> {
    const { params, client } = ctx.oidc;
    const { sessions, failures } = this.#parts;
    const secret = params["auth_session"] ?? "";
    const session = sessions.find(secret);
    const isBound = session && session.statement.clientId === client.clientId;
    if (!isBound || (key === undefined ? session.proofOfKey : key !== session.statement.jkt)) throw noSession();
    const { statement, commitment } = session;
    const method = this.#methodOf(statement.method);
    const response = params[ours.response] ?? "";
    // Before it is used up: who is not heard for a while may come back with it.
    const attempt = method.isCostly ? failures.begin(this.#parts.addressOf(ctx), statement.did) : undefined;
    if (!sessions.take(secret)) throw noSession();
    try {
      const subject = await method.verify(statement, { response, ...(commitment === undefined ? {} : { commitment }) });
      attempt?.good();
      ctx.body = { authorization_code: await this.#code(client, statement, method, subject) };
    } catch (error) {
      if (isAffiantError(error)) this.#refused(statement, error, attempt);
      throw error;
    }
  }

  async #code(
    client: ProviderClient,
    statement: LoginStatement,
    method: LoginMethod,
    subject: string,
  ): Promise<string> {
    const { judge, audit, nowSec } = this.#parts;
    const { scope, resource, jkt, codeChallenge } = statement;
    const { block } = await judge.grant(subject, scope);
    const acr = acrOf(method.name);
    audit.enter({ kind: "login", subject, clientId: client.clientId, method: acr, scope, resource, block });
    const { Grant, AuthorizationCode } = this.#provider;
    const grant = new Grant({ accountId: subject, clientId: client.clientId });
    grant.addResourceScope(resource, scope);
    const code = new AuthorizationCode({
      client,
      accountId: subject,
      grantId: await grant.save(),
      acr,
      amr: [...method.amr],
      authTime: nowSec(),
      codeChallenge,
      codeChallengeMethod: "S256",
      dpopJkt: jkt,
      // The one that the token endpoint puts in where a request names none.
      redirectUri: client.redirectUris[0],
      resource,
      scope,
    } as never);
    return code.save();
  }

  #refused(statement: LoginStatement, error: AffiantError, attempt?: { readonly good: () => void }): void {
    const { code, message: detail } = error;
    // The chain's silence is not the answer's fault.
    if (!code.startsWith("ERR_AUTH_LOGIN")) attempt?.good();
    const { did, clientId, method, scope, resource } = statement;
    // Nobody has shown to be the DID: it is part of what was said, not the subject.
    const what = { clientId, method: acrOf(method), scope, resource };
    const isShown = code !== "ERR_AUTH_LOGIN";
    this.#parts.audit.enter({
      kind: "refusal",
      code,
      detail,
      ...what,
      ...(isShown ? { subject: did } : { claimed: did }),
    });
  }
}

function malformed(detail: string): AffiantError {
  return new AffiantError("ERR_INPUT_MALFORMED", detail);
}

function noSession(): AffiantError {
  return new AffiantError("ERR_AUTH_LOGIN", "no such login is open", { details: { oauth: invalidSession } });
}

/** RFC 6749 §5.2: what error_description may hold. */
function ascii(text: string): string {
  return text.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?").slice(0, 300);
}
