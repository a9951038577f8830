import { createHash, randomBytes } from "node:crypto";

import {
  challengeEndpointMetadata,
  insufficientAuthorization,
  loginParameters as ours,
} from "../../protocol/access/names.ts";
import type { LoginStatement } from "../../protocol/access/statement.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { metadataUrlOf } from "../../host/access/issuerKeys.ts";
import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import { DpopKey } from "./dpopKey.ts";
import type { LoginProof } from "./loginProofs.ts";

export interface LoginOptions {
  /** Issuer identifier of the authorization server: whom the login is for. */
  readonly issuer: string;
  readonly clientId?: string;
  /** Resource identifier (RFC 8707) of who is to take the token. */
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly proof: LoginProof;
  /** Default: a fresh one. */
  readonly key?: DpopKey;
  /** Whether the server may be on this machine or in a private network. */
  readonly allowPrivate?: boolean;
}

export interface LoggedIn {
  readonly accessToken: string;
  /** Makes the proofs that go with the token. */
  readonly key: DpopKey;
  readonly expiresInSec: number;
  readonly scopes: readonly string[];
}

const limits = { timeoutMs: 20_000, maxBytes: 65_536 };

/**
 * Logs in: DID and commitment → challenge → response → code → token. What is signed or proved is a statement that is put together here,
 * from what the caller means; of the server it takes the challenge and its end.
 * @throws AffiantError ERR_AUTH_LOGIN if the server refuses, ERR_UNAVAILABLE_ISSUER
 */
export async function login(options: LoginOptions): Promise<LoggedIn> {
  const { issuer, clientId = "affiant-agent", resource, scopes, proof } = options;
  const key = options.key ?? (await DpopKey.make());
  const server = new Server(options, key);
  const { challengeEndpoint, tokenEndpoint } = await server.endpoints();
  const verifier = randomBytes(32).toString("base64url");
  const codeChallenge = createHash("sha256").update(verifier).digest("base64url");
  const scope = scopes.join(" ");
  const first = proof.begin();
  const asked = await server.post(challengeEndpoint, {
    client_id: clientId,
    response_type: "code",
    scope,
    resource,
    code_challenge: codeChallenge,
    code_challenge_method: "S256",
    ...(proof.did === "" ? {} : { [ours.did]: proof.did }),
    [ours.method]: proof.method,
    ...(first.commitment === undefined ? {} : { [ours.commitment]: first.commitment }),
  });
  const session = asked["auth_session"];
  const challenge = asked[ours.challenge];
  const expiresAtSec = asked[ours.challengeEndsAt];
  if (asked["error"] !== insufficientAuthorization || typeof session !== "string") throw refused(asked);
  if (typeof challenge !== "string" || !Number.isSafeInteger(expiresAtSec)) throw refused(asked);
  const statement: LoginStatement = {
    issuer,
    clientId,
    method: proof.method,
    did: proof.did,
    challenge,
    jkt: key.thumbprint,
    codeChallenge,
    scope,
    resource,
    expiresAtSec: expiresAtSec as number,
  };
  const response = await first.respond(statement);
  const answered = await server.post(challengeEndpoint, {
    client_id: clientId,
    auth_session: session,
    [ours.response]: response,
  });
  const code = answered["authorization_code"];
  if (typeof code !== "string") throw refused(answered);
  const exchange = { client_id: clientId, grant_type: "authorization_code", code, code_verifier: verifier, resource };
  const {
    access_token: accessToken,
    expires_in: expiresInSec,
    scope: granted,
    ...rest
  } = await server.post(tokenEndpoint, exchange);
  if (typeof accessToken !== "string" || rest["token_type"] !== "DPoP") throw refused(rest);
  return { accessToken, key, expiresInSec: Number(expiresInSec), scopes: String(granted).split(" ") };
}

type Answer = Readonly<Record<string, unknown>>;

/** The authorization server as the client sees it; remembers the nonce that its next proof needs. */
class Server {
  readonly #options: LoginOptions;
  readonly #key: DpopKey;
  #nonce: string | undefined;

  constructor(options: LoginOptions, key: DpopKey) {
    this.#options = options;
    this.#key = key;
  }

  async endpoints(): Promise<{ readonly challengeEndpoint: string; readonly tokenEndpoint: string }> {
    const { issuer } = this.#options;
    const metadata = await this.#fetch(metadataUrlOf(issuer), { method: "GET" });
    const { issuer: named, token_endpoint: tokenEndpoint } = metadata;
    const challengeEndpoint = metadata[challengeEndpointMetadata];
    // RFC 8414 §3.3: else one server could send logins to another.
    if (named !== issuer || typeof tokenEndpoint !== "string" || typeof challengeEndpoint !== "string") {
      throw new AffiantError(
        "ERR_UNAVAILABLE_ISSUER",
        `${issuer} is no authorization server that agents can log in to`,
      );
    }
    return { challengeEndpoint, tokenEndpoint };
  }

  async post(url: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    const body = new URLSearchParams(form).toString();
    const send = async () => {
      const dpop = await this.#key.prove("POST", url, { nonce: this.#nonce });
      const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json", dpop };
      return this.#fetch(url, { method: "POST", headers, body });
    };
    const answer = await send();
    return answer["error"] === "use_dpop_nonce" ? send() : answer;
  }

  async #fetch(
    url: string,
    request: { readonly method: "GET" | "POST"; readonly headers?: Record<string, string>; readonly body?: string },
  ): Promise<Answer> {
    try {
      const answer = await guardedFetch(url, {
        ...limits,
        ...request,
        allowPrivate: this.#options.allowPrivate ?? false,
      });
      const nonce = answer.headers["dpop-nonce"];
      if (typeof nonce === "string") this.#nonce = nonce;
      return JSON.parse(answer.body.toString("utf8")) as Answer;
    } catch (cause) {
      throw new AffiantError(
        "ERR_UNAVAILABLE_ISSUER",
        `the authorization server at ${new URL(url).host} does not answer`,
        {
          cause,
        },
      );
    }
  }
}

function refused(answer: Answer): AffiantError {
  const { error, error_description: detail, code } = answer;
  const words = [error, detail].filter((word) => typeof word === "string").join(": ");
  return new AffiantError("ERR_AUTH_LOGIN", words === "" ? "the server's answer is none" : words, {
    details: { ...(typeof error === "string" ? { error } : {}), ...(typeof code === "string" ? { said: code } : {}) },
  });
}
