import { sha256 } from "@noble/hashes/sha2.js";

import { parseEthrDid, type EthrDid } from "../did/ethr.ts";
import { formatKeyDid, parseKeyDid } from "../did/key.ts";
import { type Ed25519Verify, verifyStrict } from "../ed25519/verify.ts";
import { fromBase64url, toBase64url } from "../encoding/base64url.ts";
import { utf8 } from "../encoding/bytes.ts";
import { fromHex, type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { canonicalJsonBytes, parseCanonicalJson } from "../json/canonical.ts";
import type { Question } from "./challenge.ts";
import { type AssuranceTier, assuranceTiers } from "./types.ts";

/** Media type application/eat+jwt without its prefix (RFC 9782). */
export const evidenceType = "eat+jwt";
/** `eat_profile` (RFC 9711 §4.3.2): which claims there are, and that there are no others. */
export const evidenceProfile = "urn:affiant:eat:1";
export const maxEvidenceBytes = 16_384;

/** What an agent says of itself, in answer to one challenge. */
export interface EvidenceClaims {
  /** Who answers. */
  readonly agent: EthrDid;
  /** Who asked. */
  readonly verifier: EthrDid;
  readonly round: number;
  /** N, 32 bytes. */
  readonly nonce: Hex;
  /** e, 32 bytes (`answer.ts`). The measurement itself is not in the evidence. */
  readonly answer: Hex;
  /** X25519, 32 bytes: keys for the agent are sealed to it. */
  readonly encryptionKey: Hex;
  readonly tier: AssuranceTier;
  /** Unix seconds by the agent's clock; informs people. */
  readonly issuedAtSec: number;
  /** Of tiers above software: what the platform signed, in that platform's own form. Never with tier software. */
  readonly platform?: Uint8Array;
}

export interface DecodedEvidence {
  readonly claims: EvidenceClaims;
  /** 32 bytes, from the header's `kid` (a did:key). That it is the agent's key, the agent registry says. */
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly signingInput: Uint8Array;
}

/** SHA-256 over the evidence as it was sent: what stands in a verdict. */
export function evidenceHashOf(evidence: string): Hex {
  return toHex(sha256(utf8(evidence)));
}

/**
 * ASCII `header.payload`, to be signed with Ed25519 (RFC 7515 §5.1, RFC 8037).
 * @throws AffiantError ERR_INPUT_ATTESTATION, ERR_INPUT_DID, ERR_INPUT_PUBLIC_KEY
 */
export function evidenceSigningInput(claims: EvidenceClaims, publicKey: Uint8Array): string {
  const payload = payloadOf(claims);
  readClaims(payload);
  const header = { alg: "EdDSA", kid: formatKeyDid(publicKey), typ: evidenceType };
  return `${toBase64url(canonicalJsonBytes(header))}.${toBase64url(canonicalJsonBytes(payload))}`;
}

export function assembleEvidence(signingInput: string, signature: Uint8Array): string {
  return `${signingInput}.${toBase64url(signature)}`;
}

/**
 * What a quote of a TPM or TEE has to be about: SHA-256 over the canonical claims without `platform`, 32 bytes. A quote
 * over anything less could be joined to another answer, or to another encryption key.
 */
export function platformBindingOf(claims: Omit<EvidenceClaims, "platform">): Uint8Array {
  const { platform: _none, ...bound } = payloadOf(claims);
  return sha256(canonicalJsonBytes(bound));
}

/**
 * Reads evidence strictly: every part in its one encoding, no claim unknown, none missing.
 * @throws AffiantError ERR_INPUT_ATTESTATION, ERR_INPUT_ENCODING, ERR_INPUT_DID, ERR_INPUT_PUBLIC_KEY
 */
export function decodeEvidence(evidence: string): DecodedEvidence {
  check(evidence.length <= maxEvidenceBytes, `evidence has at most ${maxEvidenceBytes} bytes`);
  const [headerText, payloadText, signatureText, ...rest] = evidence.split(".");
  check(rest.length === 0 && signatureText !== undefined, "evidence is a compact JWS of three parts");
  const header = parseCanonicalJson(fromBase64url(headerText as string)) as { kid?: unknown } | null;
  check(typeof header?.kid === "string", "the header names no key");
  const publicKey = parseKeyDid(header.kid as string);
  const expected = toBase64url(canonicalJsonBytes({ alg: "EdDSA", kid: header.kid, typ: evidenceType }));
  check(headerText === expected, "the header is not the prescribed one");
  const claims = readClaims(parseCanonicalJson(fromBase64url(payloadText as string)));
  const signature = fromBase64url(signatureText as string);
  check(signature.length === 64, "an Ed25519 signature has 64 bytes");
  return { claims, publicKey, signature, signingInput: utf8(`${headerText}.${payloadText}`) };
}

/** Why evidence is not an answer to a challenge. `null`: it is one, whatever the answer may be worth. */
export type EvidenceFault = "signature" | "agent" | "verifier" | "round" | "nonce";

/** Whether the evidence is signed by the key it names and answers this very challenge. */
export function faultOfEvidence(
  evidence: DecodedEvidence,
  challenge: Question,
  verify: Ed25519Verify = verifyStrict,
): EvidenceFault | null {
  const { claims } = evidence;
  if (!verify(evidence.signature, evidence.signingInput, evidence.publicKey)) return "signature";
  if (claims.agent !== challenge.target) return "agent";
  if (claims.verifier !== challenge.verifier) return "verifier";
  if (claims.round !== challenge.round) return "round";
  return claims.nonce === challenge.nonce ? null : "nonce";
}

/** JWT and EAT claims: `iss`, `aud`, `iat` (RFC 7519), `cnf` (RFC 7800), `eat_nonce`, `eat_profile` (RFC 9711). */
function payloadOf(claims: EvidenceClaims): Record<string, unknown> {
  return {
    aud: claims.verifier,
    cnf: { jwk: { crv: "X25519", kty: "OKP", x: toBase64url(fromHex(claims.encryptionKey, 32)) } },
    eat_nonce: toBase64url(fromHex(claims.nonce, 32)),
    eat_profile: evidenceProfile,
    iat: claims.issuedAtSec,
    iss: claims.agent,
    answer: toBase64url(fromHex(claims.answer, 32)),
    round: claims.round,
    tier: claims.tier,
    ...(claims.platform === undefined ? {} : { platform: toBase64url(claims.platform) }),
  };
}

const names = ["answer", "aud", "cnf", "eat_nonce", "eat_profile", "iat", "iss", "round", "tier"];

function readClaims(value: unknown): EvidenceClaims {
  const claims = asObject(value, "the claims");
  for (const name of names) check(name in claims, `the claims lack ${name}`);
  for (const name of Object.keys(claims)) check(names.includes(name) || name === "platform", `unknown claim ${name}`);
  check(claims["eat_profile"] === evidenceProfile, `eat_profile is not ${evidenceProfile}`);
  const tier = claims["tier"] as AssuranceTier;
  check(assuranceTiers.includes(tier), `tier is not one of ${assuranceTiers.join(", ")}`);
  check((tier === "software") === !("platform" in claims), "a platform's proof comes with tpm and tee, and only there");
  const encryptionKey = readJwk(claims["cnf"]);
  return {
    agent: readDid(claims["iss"]),
    verifier: readDid(claims["aud"]),
    round: readCount(claims["round"], "round"),
    nonce: readBytes(claims["eat_nonce"], "eat_nonce"),
    answer: readBytes(claims["answer"], "answer"),
    encryptionKey,
    tier,
    issuedAtSec: readCount(claims["iat"], "iat"),
    ...("platform" in claims ? { platform: fromBase64url(claims["platform"] as string) } : {}),
  };
}

function readJwk(value: unknown): Hex {
  const jwk = asObject(asObject(value, "cnf")["jwk"], "cnf.jwk");
  const shape = Object.keys(jwk).sort().join() === "crv,kty,x" && Object.keys(value as object).length === 1;
  check(shape && jwk["kty"] === "OKP" && jwk["crv"] === "X25519", "cnf does not hold an X25519 key and nothing else");
  return readBytes(jwk["x"], "cnf.jwk.x");
}

function readDid(value: unknown): EthrDid {
  check(typeof value === "string", "iss or aud is not a DID");
  parseEthrDid(value as string);
  return value as EthrDid;
}

function readBytes(value: unknown, name: string): Hex {
  check(typeof value === "string" && value.length === 43, `${name} is not 32 bytes in base64url`);
  return toHex(fromBase64url(value as string));
}

function readCount(value: unknown, name: string): number {
  check(Number.isSafeInteger(value) && (value as number) >= 0, `${name} is not a whole number from 0`);
  return value as number;
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  check(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_ATTESTATION", message);
}
