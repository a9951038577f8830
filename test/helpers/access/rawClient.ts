import { createHash } from "node:crypto";

import { DpopKey } from "../../../agent/access/dpopKey.ts";
import type { LoginProof } from "../../../agent/access/loginProofs.ts";
import type { LoginStatement } from "../../../protocol/access/statement.ts";
import { reports } from "./accessWorld.ts";

export interface RawAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export const verifier = "a".repeat(43);
const codeChallenge = createHash("sha256").update(verifier).digest("base64url");

/** A client that sends what a test wants sent, step by step. */
export class RawClient {
  readonly issuer: string;
  readonly key: DpopKey;
  #nonce: string | undefined;

  constructor(issuer: string, key: DpopKey) {
    this.issuer = issuer;
    this.key = key;
  }

  static async of(issuer: string): Promise<RawClient> {
    return new RawClient(issuer, await DpopKey.make());
  }

  /** @param key whose proof goes with it; null: none */
  async post(path: string, form: Record<string, string>, key: DpopKey | null = this.key): Promise<RawAnswer> {
    const url = this.issuer + path;
    const send = async (): Promise<RawAnswer> => {
      const headers: Record<string, string> = { accept: "application/json" };
      if (key) headers["dpop"] = await key.prove("POST", url, { nonce: this.#nonce });
      const response = await fetch(url, { method: "POST", headers, body: new URLSearchParams(form) });
      this.#nonce = response.headers.get("dpop-nonce") ?? this.#nonce;
      const text = await response.text();
      return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> };
    };
    const answer = await send();
    return answer.body["error"] === "use_dpop_nonce" ? send() : answer;
  }

  form(proof: LoginProof, changes: Record<string, string> = {}): Record<string, string> {
    return {
      client_id: "affiant-agent",
      response_type: "code",
      scope: "reports:read",
      resource: reports,
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
      did: proof.did,
      login_method: proof.method,
      ...changes,
    };
  }

  /** The first two moves, and the statement that an honest agent would answer. */
  async challenge(proof: LoginProof, changes: Record<string, string> = {}) {
    const { body } = await this.post("/authorize-challenge", this.form(proof, changes));
    const statement: LoginStatement = {
      issuer: this.issuer,
      clientId: "affiant-agent",
      method: proof.method,
      did: proof.did,
      challenge: String(body["challenge"]),
      jkt: this.key.thumbprint,
      codeChallenge,
      scope: "reports:read",
      resource: reports,
      expiresAtSec: Number(body["challenge_expires_at"]),
    };
    return { session: String(body["auth_session"]), statement };
  }

  answer(session: string, response: string, key: DpopKey | null = this.key): Promise<RawAnswer> {
    return this.post("/authorize-challenge", { client_id: "affiant-agent", auth_session: session, response }, key);
  }

  async code(proof: LoginProof): Promise<string> {
    const { session, statement } = await this.challenge(proof);
    const { body } = await this.answer(session, await proof.begin().respond(statement));
    return String(body["authorization_code"]);
  }

  exchange(code: string, changes: Record<string, string> = {}, key: DpopKey | null = this.key): Promise<RawAnswer> {
    const form = {
      client_id: "affiant-agent",
      grant_type: "authorization_code",
      code,
      code_verifier: verifier,
      resource: reports,
    };
    return this.post("/token", { ...form, ...changes }, key);
  }

  introspect(token: string, clientId = "affiant-agent"): Promise<RawAnswer> {
    return this.post("/token/introspection", { token, client_id: clientId }, null);
  }
}
