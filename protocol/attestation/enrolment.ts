import { sha256 } from "@noble/hashes/sha2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";

import { parseEthrDid, type EthrDid } from "../did/ethr.ts";
import { formatKeyDid, parseKeyDid } from "../did/key.ts";
import { bytesEqual, utf8 } from "../encoding/bytes.ts";
import { fromHex, type Hex, isHex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { canonicalJsonBytes, toCanonicalJson } from "../json/canonical.ts";
import { type Manifest, parseManifest } from "./manifest.ts";

export const ticketFormat = "affiant-ticket/1";

/**
 * What lets one wrapper enrol one version of one agent, once: handed over by whoever operates the service. It is a
 * secret until it is used; used a second time by anybody else, it sets off an alert.
 */
export interface Ticket {
  readonly format: typeof ticketFormat;
  /** Base URL of the attestation service. */
  readonly service: string;
  /** X25519 key of the service, 32 bytes: what it answers is sealed under it. */
  readonly servicePublicKey: Hex;
  readonly chainId: number;
  /** Address of the attestation registry, EIP-55. */
  readonly registry: string;
  /** 32 random bytes. */
  readonly secret: Hex;
}

/** What a wrapper asks for when it enrols: `POST /v1/attestation/enrolments`. */
export interface EnrolmentRequest {
  readonly agent: EthrDid;
  /** What runs, measured by the wrapper while it runs. */
  readonly manifest: Manifest;
  /** X25519 key, 32 bytes, that the answer is sealed to. */
  readonly replyKey: Hex;
  readonly ticket: Hex;
  /** Where the wrapper answers challenges. */
  readonly url: string;
}

const authorizationScheme = "AffiantTicket ";

/** The `Authorization` header of an enrolment: the service sees who has a ticket before it reads a manifest of megabytes. */
export function ticketAuthorization(secret: Hex): string {
  return `${authorizationScheme}${secret}`;
}

/** The ticket's secret in an `Authorization` header; undefined where there is none. */
export function ticketOfAuthorization(header: string | undefined): Hex | undefined {
  const secret = header?.startsWith(authorizationScheme) ? header.slice(authorizationScheme.length) : undefined;
  return isHex(secret, 32) ? secret : undefined;
}

/** The request with the agent's signature: Ed25519 over {@link enrolmentSigningInput} by the key that `key` names. */
export interface SignedEnrolmentRequest {
  readonly request: EnrolmentRequest;
  /** did:key. */
  readonly key: string;
  /** 64 bytes. */
  readonly signature: Hex;
  /** Beside the request: it may be signed anew for the same one. */
  readonly consent: EnrolmentConsent;
}

/** That the agent's owner wants its next version enrolled (EIP-712 `EnrolmentConsent`). Deadline in Unix seconds. */
export interface EnrolmentConsent {
  readonly deadline: number;
  /** Of the owner's account, or what its contract takes (ERC-1271). */
  readonly signature: Hex;
}

/** What the service answers: the agent's key k, sealed to the wrapper. */
export interface SealedWrapping {
  /** Counts from 1. */
  readonly version: number;
  /** What stands on chain. */
  readonly commitment: Hex;
  readonly enc: Hex;
  /** Of k, 32 bytes. */
  readonly ciphertext: Hex;
}

/** Where a wrapper listens now: `POST /v1/attestation/endpoints`. */
export interface Endpoint {
  readonly agent: EthrDid;
  readonly version: number;
  readonly url: string;
  /** Grows with each announcement of the agent: an older one does not count. */
  readonly sequence: number;
}

export interface AnnouncedEndpoint {
  readonly endpoint: Endpoint;
  /** HMAC-SHA-256 under a key drawn from k, 32 bytes: who knows k is the wrapper, or the service. */
  readonly mac: Hex;
}

export function enrolmentSigningInput(request: EnrolmentRequest): Uint8Array {
  return utf8(`affiant attestation enrolment 1\n${toCanonicalJson(request)}`);
}

/** SHA-256 over what is signed, 32 bytes: names the request. */
export function enrolmentHashOf(request: EnrolmentRequest): Hex {
  return toHex(sha256(enrolmentSigningInput(request)));
}

/** SHA-256 of a ticket's secret: what the service keeps of it. */
export function ticketIdOf(secret: Hex): Hex {
  return toHex(sha256(fromHex(secret, 32)));
}

/** HPKE's `info` of {@link SealedWrapping}. */
export function wrappingInfo(place: {
  readonly chainId: number;
  readonly registry: string;
  readonly agent: EthrDid;
  readonly version: number;
  readonly commitment: Hex;
}): Uint8Array {
  return utf8(`affiant attestation wrapping 1 ${toCanonicalJson(place)}`);
}

/** @param agentKey k, 32 bytes */
export function announce(endpoint: Endpoint, agentKey: Uint8Array): AnnouncedEndpoint {
  const key = hkdf(sha256, agentKey, undefined, utf8("affiant attestation endpoint 1"), 32);
  return { endpoint, mac: toHex(hmac(sha256, key, canonicalJsonBytes(endpoint))) };
}

export function isAnnouncedBy({ endpoint, mac }: AnnouncedEndpoint, agentKey: Uint8Array): boolean {
  return bytesEqual(fromHex(announce(endpoint, agentKey).mac, 32), fromHex(mac, 32));
}

/** @throws AffiantError ERR_INPUT_ATTESTATION */
export function parseTicket(text: string): Ticket {
  let ticket: Ticket | null = null;
  try {
    ticket = JSON.parse(text) as Ticket | null;
  } catch {
    // The text holds a secret: the parser's error, which quotes it, is dropped.
  }
  const sound =
    ticket?.format === ticketFormat &&
    isHttpUrl(ticket.service) &&
    isHex(ticket.servicePublicKey, 32) &&
    Number.isSafeInteger(ticket.chainId) &&
    /^0x[0-9a-fA-F]{40}$/.test(ticket.registry) &&
    isHex(ticket.secret, 32);
  if (!ticket || !sound) throw malformed(`not a ticket of the form ${ticketFormat}`);
  return ticket;
}

/** @throws AffiantError ERR_INPUT_ATTESTATION, ERR_INPUT_DID, ERR_INPUT_PUBLIC_KEY */
export function parseEnrolmentRequest(value: unknown): SignedEnrolmentRequest & { readonly publicKey: Uint8Array } {
  const { request, key, signature, consent } = asFields(value, ["request", "key", "signature", "consent"]);
  const { deadline, signature: ownersSignature } = asFields(consent, ["deadline", "signature"]);
  const fields = asFields(request, ["agent", "manifest", "replyKey", "ticket", "url"]);
  const { agent, replyKey, ticket, url } = fields;
  const sound = isHex(replyKey, 32) && isHex(ticket, 32) && isHex(signature, 64) && isHttpUrl(url);
  const consents = Number.isSafeInteger(deadline) && /^0x(?:[0-9a-f]{2}){1,2048}$/i.test(String(ownersSignature));
  if (!consents) throw malformed("an enrolment carries the owner's consent: {deadline, signature}");
  if (!sound || typeof agent !== "string" || typeof key !== "string") {
    throw malformed("an enrolment is {request: {agent, manifest, replyKey, ticket, url}, key, signature}");
  }
  parseEthrDid(agent);
  const manifest = parseManifest(JSON.stringify(fields["manifest"]));
  const publicKey = parseKeyDid(key);
  return {
    request: { agent: agent as EthrDid, manifest, replyKey, ticket, url },
    key: formatKeyDid(publicKey),
    publicKey,
    signature,
    consent: { deadline: deadline as number, signature: ownersSignature as Hex },
  };
}

/** @throws AffiantError ERR_INPUT_ATTESTATION */
export function parseSealedWrapping(value: unknown): SealedWrapping {
  const { version, commitment, enc, ciphertext } = asFields(value, ["version", "commitment", "enc", "ciphertext"]);
  const sound =
    Number.isSafeInteger(version) &&
    isHex(commitment, 32) &&
    isHex(enc, 32) &&
    /^0x[0-9a-f]+$/.test(String(ciphertext));
  if (!sound) throw malformed("a sealed wrapping is {version, commitment, enc, ciphertext}");
  return { version: version as number, commitment, enc, ciphertext: ciphertext as Hex };
}

/** @throws AffiantError ERR_INPUT_ATTESTATION, ERR_INPUT_DID */
export function parseEndpoint(value: unknown): AnnouncedEndpoint {
  const { endpoint, mac } = asFields(value, ["endpoint", "mac"]);
  const { agent, version, url, sequence } = asFields(endpoint, ["agent", "version", "url", "sequence"]);
  const counts = Number.isSafeInteger(version) && Number.isSafeInteger(sequence);
  if (!counts || !isHex(mac, 32) || !isHttpUrl(url) || typeof agent !== "string") {
    throw malformed("an endpoint is {endpoint: {agent, version, url, sequence}, mac}");
  }
  parseEthrDid(agent);
  return {
    endpoint: { agent: agent as EthrDid, version: version as number, url, sequence: sequence as number },
    mac,
  };
}

function isHttpUrl(value: unknown): value is string {
  return typeof value === "string" && value.length <= 2048 && /^https?:\/\/[^\s]+$/.test(value) && URL.canParse(value);
}

function asFields(value: unknown, names: readonly string[]): Record<string, unknown> {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (Object.keys(fields).sort().join() === [...names].sort().join()) return fields;
  throw malformed(`an object of ${names.join(", ")} is expected`);
}

function malformed(message: string): AffiantError {
  return new AffiantError("ERR_INPUT_ATTESTATION", message);
}
