import { sha256 } from "@noble/hashes/sha2.js";

import { utf8 } from "../encoding/bytes.ts";
import { toHex } from "../encoding/hex.ts";
import { toCanonicalJson } from "../json/canonical.ts";
import type { LoginMethodName } from "./names.ts";

/** What a login is an answer to. Each side takes every part from what it knows itself; only the challenge came from the other. */
export interface LoginStatement {
  /** Issuer identifier of the authorization server (RFC 8414 §2). */
  readonly issuer: string;
  readonly clientId: string;
  readonly method: LoginMethodName;
  /** Who logs in; empty where the method keeps that to itself. */
  readonly did: string;
  /** 32 bytes of the server, base64url. */
  readonly challenge: string;
  /** RFC 7638 thumbprint of the DPoP key that the token will be bound to, base64url. */
  readonly jkt: string;
  /** PKCE, S256. */
  readonly codeChallenge: string;
  /** Space-separated, as asked for. */
  readonly scope: string;
  /** RFC 8707. */
  readonly resource: string;
  /** Unix seconds. */
  readonly expiresAtSec: number;
}

const tag = "affiant-login/1\n";

/**
 * The bytes that are signed or hashed: the tag, then RFC 8785 JSON. No entry (base64url), UCAN (DAG-CBOR) or EIP-712 digest begins
 * like this, so a signature for one is none for the other.
 * @throws AffiantError ERR_INPUT_MALFORMED for text that is not well formed
 */
export function statementBytes(statement: LoginStatement): Uint8Array {
  const { issuer, clientId, method, did, challenge, jkt, codeChallenge, scope, resource, expiresAtSec } = statement;
  const members = { issuer, clientId, method, did, challenge, jkt, codeChallenge, scope, resource, expiresAtSec };
  return utf8(tag + toCanonicalJson(members));
}

/** The statement as a signal of a circuit: SHA-256 without its last byte, so below 2^248 and below r. */
export function statementSignal(statement: LoginStatement): bigint {
  return BigInt(toHex(sha256(statementBytes(statement)))) >> 8n;
}
