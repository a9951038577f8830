import { rename, rm } from "node:fs/promises";

import { readSecretFile, writeSecretFile } from "../../agent/keys/secretFile.ts";
import type { SigningKey } from "../../agent/keys/signingKey.ts";
import { isProblem, problemToError } from "../../agent/relayer/problemError.ts";
import { newEncryptionKeyPair, openAuthenticated } from "../../agent/sealing/hpke.ts";
import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import {
  announce,
  type Endpoint,
  type EnrolmentConsent,
  enrolmentSigningInput,
  parseSealedWrapping,
  type SignedEnrolmentRequest,
  type Ticket,
  ticketAuthorization,
  ticketIdOf,
  wrappingInfo,
} from "../../protocol/attestation/enrolment.ts";
import type { Manifest } from "../../protocol/attestation/manifest.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { Wrapping } from "./wrapping.ts";

export interface EnrolOptions {
  readonly ticket: Ticket;
  readonly agent: EthrDid;
  /** The agent's registered key. */
  readonly signing: SigningKey;
  /** Where the wrapper answers challenges. */
  readonly url: string;
  readonly root: string;
  readonly include: readonly string[];
  /** Holds the request, and the key its answer is sealed to, until the answer is there (mode 0600). */
  readonly pendingFile: string;
  /** The owner's consent to the agent's next version, signed when it is asked for. */
  readonly consent: () => Promise<EnrolmentConsent>;
  /** Default 120,000: an enrolment waits for a block. */
  readonly timeoutMs?: number;
  /** Also a service on this machine or in a private network: where it is says the ticket. Default false. */
  readonly allowPrivate?: boolean;
}

interface Pending {
  readonly signed: Omit<SignedEnrolmentRequest, "consent">;
  readonly replyPrivateKey: Hex;
}

/**
 * Uses a ticket: has what runs enrolled, and opens the key that comes back. The request is on disk before it is sent, so
 * a wrapper that ended before it had the answer asks the same again, which is no second use.
 * @throws AffiantError with the code of the service's problem, ERR_UNAVAILABLE_TARGET if it cannot be reached,
 * ERR_PROOF_SEAL if another than the ticket's service answered
 */
export async function enrolWrapper(options: EnrolOptions, manifest: Manifest): Promise<Wrapping> {
  const { ticket, agent, root, include, pendingFile, timeoutMs = 120_000, allowPrivate = false } = options;
  const { signed, replyPrivateKey } = (await readPending(options)) ?? (await prepare(options, manifest));
  const asked: SignedEnrolmentRequest = { ...signed, consent: await options.consent() };
  const answered = await post(`${ticket.service}/v1/attestation/enrolments`, asked, {
    timeoutMs,
    allowPrivate,
    // Who has no ticket is turned away before the service reads what it sends.
    headers: { authorization: ticketAuthorization(ticket.secret) },
  });
  const answer = parseSealedWrapping(answered);
  const { version, commitment, enc, ciphertext } = answer;
  const { chainId, registry } = ticket;
  const agentKey = await openAuthenticated(
    { enc: fromHex(enc, 32), ciphertext: fromHex(ciphertext) },
    wrappingInfo({ chainId, registry, agent, version, commitment }),
    { publicKey: fromHex(signed.request.replyKey, 32), privateKey: fromHex(replyPrivateKey, 32) },
    fromHex(ticket.servicePublicKey, 32),
  );
  await rm(pendingFile, { force: true });
  return {
    format: "affiant-wrapping/1",
    agent,
    version,
    agentKey: toHex(agentKey),
    servicePublicKey: ticket.servicePublicKey,
    root,
    include,
    libraries: signed.request.manifest.files.filter(({ role }) => role === "library").map(({ path }) => path),
    service: ticket.service,
    ticketId: ticketIdOf(ticket.secret),
  };
}

/**
 * Tells the service where the wrapper listens: its port may be another one after each start.
 * @param allowPrivate also a service on this machine or in a private network
 * @throws AffiantError with the code of the service's problem, ERR_UNAVAILABLE_TARGET
 */
export async function announceEndpoint(
  service: string,
  { agent, version, agentKey }: Wrapping,
  url: string,
  sequence: number,
  allowPrivate = false,
): Promise<void> {
  const endpoint: Endpoint = { agent, version, url, sequence };
  const announced = announce(endpoint, fromHex(agentKey, 32));
  await post(`${service}/v1/attestation/endpoints`, announced, { timeoutMs: 30_000, allowPrivate });
}

async function prepare({ agent, signing, ticket, url, pendingFile }: EnrolOptions, manifest: Manifest) {
  const reply = await newEncryptionKeyPair();
  const request = { agent, manifest, replyKey: toHex(reply.publicKey), ticket: ticket.secret, url };
  const signature = toHex(signing.sign(enrolmentSigningInput(request)));
  const pending: Pending = {
    signed: { request, key: signing.did, signature },
    replyPrivateKey: toHex(reply.privateKey),
  };
  await rm(`${pendingFile}.draft`, { force: true });
  await writeSecretFile(`${pendingFile}.draft`, JSON.stringify(pending));
  await rename(`${pendingFile}.draft`, pendingFile);
  return pending;
}

/** What an earlier run of the wrapper asked with this ticket, and got no answer to. */
async function readPending({ pendingFile, ticket }: EnrolOptions): Promise<Pending | undefined> {
  const text = await readSecretFile(pendingFile).catch((error: AffiantError) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const pending = JSON.parse(text) as Pending;
  return pending.signed.request.ticket === ticket.secret ? pending : undefined;
}

/** An answer holds one sealed key, or a problem. */
const maxAnswerBytes = 65_536;

interface PostOptions {
  readonly timeoutMs: number;
  readonly allowPrivate: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

async function post(url: string, fields: unknown, { headers, ...options }: PostOptions): Promise<unknown> {
  const { status, ok, text } = await guardedFetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(fields),
    maxBytes: maxAnswerBytes,
    ...options,
  }).then(
    (answer) => ({ ...answer, text: answer.body.toString("utf8") }),
    (cause: unknown) => {
      if (isAffiantError(cause, "ERR_AUTH_PRIVATE_ADDRESS")) throw cause;
      const { host } = new URL(url);
      throw new AffiantError("ERR_UNAVAILABLE_TARGET", `the attestation service at ${host} does not answer`, { cause });
    },
  );
  const value = text === "" ? null : readJson(text);
  if (ok) return value;
  if (isProblem(value)) throw problemToError(value);
  throw new AffiantError("ERR_UNAVAILABLE_TARGET", `the attestation service answers with status ${status}`);
}

/** Undefined for what is no JSON: then the status says what is to say. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
