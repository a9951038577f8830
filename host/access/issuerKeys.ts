import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { guardedFetch } from "../fetch/guardedFetch.ts";

export interface IssuerKeysOptions {
  /** Issuer identifier (RFC 8414 §2). */
  readonly issuer: string;
  /** Whether the issuer may be on this machine or in a private network. */
  readonly allowPrivate?: boolean;
  readonly nowMs?: () => number;
}

/** Keys are fetched anew after so long, so that one that was taken out is not believed for ever. */
const maxAgeMs = 10 * 60_000;
/** An unknown key has them fetched anew, but no more often than this: anybody can name a key that is not there. */
const pauseMs = 30_000;
const limits = { timeoutMs: 5_000, maxBytes: 262_144 };

/** The authorization server's keys, from its metadata. */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #nowMs: () => number;
  #known: { readonly get: JWTVerifyGetKey; readonly fetchedAtMs: number } | undefined;
  #fetching: Promise<void> | undefined;
  #triedAtMs = -Infinity;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** For jose. @throws AffiantError ERR_UNAVAILABLE_ISSUER, ERR_AUTH_TOKEN for a key that the issuer does not have */
  readonly get: JWTVerifyGetKey = async (header, token) => {
    if (!this.#known || this.#nowMs() - this.#known.fetchedAtMs > maxAgeMs) await this.#fetch();
    try {
      return await this.#of(header, token);
    } catch {
      if (this.#nowMs() - this.#triedAtMs > pauseMs) await this.#fetch();
    }
    try {
      return await this.#of(header, token);
    } catch (cause) {
      throw new AffiantError("ERR_AUTH_TOKEN", "the issuer has no such key", { cause });
    }
  };

  #of(...args: Parameters<JWTVerifyGetKey>): ReturnType<JWTVerifyGetKey> {
    if (!this.#known) throw new AffiantError("ERR_UNAVAILABLE_ISSUER", "the issuer's keys are not known");
    return this.#known.get(...args);
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    this.#triedAtMs = this.#nowMs();
    const { issuer } = this.#options;
    const { issuer: named, jwks_uri: at } = await this.#json(metadataUrlOf(issuer));
    // RFC 8414 §3.3: another's metadata must not be taken for this issuer's.
    if (named !== issuer || typeof at !== "string") throw silent("its metadata is not its own");
    const keys = (await this.#json(at)) as unknown as JSONWebKeySet;
    try {
      this.#known = { get: createLocalJWKSet(keys) as JWTVerifyGetKey, fetchedAtMs: this.#nowMs() };
    } catch (cause) {
      throw silent("its keys have no form of keys", cause);
    }
  }

  async #json(url: string): Promise<Record<string, unknown>> {
    try {
      const answer = await guardedFetch(url, { ...limits, allowPrivate: this.#options.allowPrivate ?? false });
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      return JSON.parse(answer.body.toString("utf8")) as Record<string, unknown>;
    } catch (cause) {
      throw silent("it does not answer", cause);
    }
  }
}

/** RFC 8414 §3: the well-known part stands between host and path. */
export function metadataUrlOf(issuer: string): string {
  const url = new URL(issuer);
  const path = url.pathname === "/" ? "" : url.pathname;
  return `${url.origin}/.well-known/oauth-authorization-server${path}`;
}

function silent(detail: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_ISSUER", `the authorization server cannot be believed: ${detail}`, {
    cause,
  });
}
