import { createHash, randomUUID } from "node:crypto";

import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** The key that a process's tokens are bound to (RFC 9449). It is made fresh, stays in this process, and is nobody's identity. */
export class DpopKey {
  /** RFC 7638 thumbprint, base64url. */
  readonly thumbprint: string;
  readonly #privateKey: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
  readonly #publicJwk: JWK;

  private constructor(
    privateKey: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"],
    publicJwk: JWK,
    thumbprint: string,
  ) {
    this.#privateKey = privateKey;
    this.#publicJwk = publicJwk;
    this.thumbprint = thumbprint;
  }

  static async make(): Promise<DpopKey> {
    const { privateKey, publicKey } = await generateKeyPair("Ed25519");
    const jwk = await exportJWK(publicKey);
    return new DpopKey(privateKey, jwk, await calculateJwkThumbprint(jwk));
  }

  /**
   * A proof for one request.
   * @param url absolute; query and fragment are left out
   * @param iat Unix seconds
   */
  async prove(
    method: string,
    url: string,
    { accessToken, nonce, iat = Math.floor(Date.now() / 1_000) }: ProofOptions = {},
  ): Promise<string> {
    const { origin, pathname } = new URL(url);
    const ath = accessToken === undefined ? {} : { ath: createHash("sha256").update(accessToken).digest("base64url") };
    return new SignJWT({ htm: method, htu: origin + pathname, ...ath, ...(nonce === undefined ? {} : { nonce }) })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "Ed25519", jwk: this.#publicJwk })
      .setJti(randomUUID())
      .setIssuedAt(iat)
      .sign(this.#privateKey);
  }
}

export interface ProofOptions {
  readonly accessToken?: string | undefined;
  readonly nonce?: string | undefined;
  readonly iat?: number;
}
