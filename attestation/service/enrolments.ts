import { getAddress } from "ethers";

import { type EncryptionKeyPair, sealAuthenticated } from "../../agent/sealing/hpke.ts";
import {
  type AnnouncedEndpoint,
  type EnrolmentConsent,
  enrolmentHashOf,
  type EnrolmentRequest,
  enrolmentSigningInput,
  isAnnouncedBy,
  parseEnrolmentRequest,
  type SealedWrapping,
  type Ticket,
  ticketFormat,
  wrappingInfo,
} from "../../protocol/attestation/enrolment.ts";
import { type EthrDid, parseEthrDid } from "../../protocol/did/ethr.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { AttestationService, ServiceAlert } from "./attestationService.ts";
import type { Introductions } from "./introductions.ts";
import type { Reference, References } from "./references.ts";
import type { RegistryReader } from "./registry.ts";
import type { TicketRecord, Tickets, TicketTerms, TicketUse } from "./tickets.ts";

interface Authenticated {
  readonly request: EnrolmentRequest;
  /** EIP-55. */
  readonly agent: string;
  readonly consent: EnrolmentConsent;
}

export interface EnrolmentsOptions {
  readonly service: AttestationService;
  readonly references: References;
  readonly registry: RegistryReader;
  readonly tickets: Tickets;
  readonly introductions: Introductions;
  readonly chainId: number;
  readonly keys: EncryptionKeyPair;
  readonly isSigningKey: (agent: string, publicKey: Uint8Array) => Promise<boolean>;
  readonly onAlert: (alert: ServiceAlert) => void;
}

/**
 * Enrolment by the wrappers themselves: whoever holds a ticket has one version of one agent enrolled and is given that
 * version's key, which nobody between the two sees.
 */
export class Enrolments {
  readonly #options: EnrolmentsOptions;
  /** One after the other: two wrappers with one ticket must not both be first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: EnrolmentsOptions) {
    this.#options = options;
  }

  /** @param serviceUrl where wrappers reach the service */
  async issue(terms: TicketTerms, serviceUrl: string): Promise<Ticket> {
    const { tickets, chainId, registry, keys } = this.#options;
    return {
      format: ticketFormat,
      service: serviceUrl,
      servicePublicKey: toHex(keys.publicKey),
      chainId,
      registry: registry.address,
      secret: await tickets.issue(terms),
    };
  }

  /**
   * Whether a ticket was given out, used or not: who has none is not listened to any further.
   * @throws AffiantError ERR_AUTH_TICKET
   */
  async checkTicket(secret: Hex): Promise<void> {
    if (!(await this.#options.tickets.find(secret))) throw noTicket();
  }

  /**
   * Enrols. Asked the same again it answers the same, so that a wrapper that ended in between can go on.
   * @throws AffiantError ERR_INPUT_ATTESTATION, ERR_AUTH_TICKET, ERR_AUTH_SIGNING_KEY, ERR_CONFLICT_TICKET_USED,
   * ERR_CONFLICT_MEASUREMENT, and what the chain refuses
   */
  async enrol(asked: unknown): Promise<SealedWrapping> {
    // Who may ask is settled before anybody waits for a turn: strangers hold up nobody.
    const authenticated = await this.#authenticate(asked);
    const enrolled = this.#turn.then(() => this.#enrol(authenticated));
    this.#turn = enrolled.catch(() => undefined);
    return enrolled;
  }

  /**
   * Notes where a wrapper listens, and has its agent introduced if it waits for that.
   * @throws AffiantError ERR_NOT_FOUND_REFERENCE, ERR_AUTH_ENDPOINT if it is not from the agent's wrapper, or an old one
   */
  async announce(announced: AnnouncedEndpoint): Promise<void> {
    const { references, registry, introductions } = this.#options;
    const { url, sequence, version } = announced.endpoint;
    const agent = this.#addressOf(announced.endpoint.agent);
    const standing = await registry.standing(agent);
    const reference = await references.byCommitment(standing.commitment);
    const fresh = sequence > reference.announced || (sequence === reference.announced && url === reference.url);
    if (!fresh || version !== reference.version || !isAnnouncedBy(announced, fromHex(reference.agentKey, 32))) {
      throw new AffiantError("ERR_AUTH_ENDPOINT", "not the newest announcement of the version that is enrolled");
    }
    if (sequence > reference.announced) await references.put({ ...reference, url, announced: sequence });
    if (standing.status === "enrolled") await introductions.add(agent);
  }

  async #authenticate(asked: unknown): Promise<Authenticated> {
    const { tickets, isSigningKey } = this.#options;
    const { request, publicKey, signature, consent } = parseEnrolmentRequest(asked);
    const agent = this.#addressOf(request.agent);
    if (!(await tickets.find(request.ticket))) throw noTicket();
    if (!verifyNative(fromHex(signature, 64), enrolmentSigningInput(request), publicKey)) {
      throw new AffiantError("ERR_PROOF_SIGNATURE", "the request is not signed by the key it names");
    }
    if (!(await isSigningKey(agent, publicKey))) {
      throw new AffiantError("ERR_AUTH_SIGNING_KEY", "the request is signed by another key than the agent's");
    }
    return { request, agent, consent };
  }

  async #enrol({ request, agent, consent }: Authenticated): Promise<SealedWrapping> {
    // Read in its turn: the one before may have used it.
    const found = await this.#options.tickets.find(request.ticket);
    if (!found) throw noTicket();
    const requestHash = enrolmentHashOf(request);
    const use = found.use ?? (await this.#use(request, agent, requestHash, found));
    if (use.requestHash !== requestHash) return this.#refuseSecond(agent, use);
    // Also after a crash: what is on chain already is not sent again.
    await this.#options.service.enter(
      await this.#options.references.byCommitment(use.commitment),
      found.terms.operator,
      consent,
    );
    return use.answer;
  }

  async #use(request: EnrolmentRequest, agent: string, requestHash: Hex, { terms }: TicketRecord): Promise<TicketUse> {
    const { service, tickets } = this.#options;
    if (terms.agent !== undefined && terms.agent !== agent) {
      throw new AffiantError("ERR_AUTH_TICKET", "the ticket is for another agent");
    }
    const { url, manifest, replyKey, ticket } = request;
    const reference = await service.draft({ agent, tier: terms.tier, url, manifest });
    if (terms.measurement !== undefined && terms.measurement !== reference.measurement) {
      throw new AffiantError("ERR_CONFLICT_MEASUREMENT", "what runs is not what the ticket was given for", {
        hint: "affiant measure --diff shows what differs.",
        details: { expected: terms.measurement, found: reference.measurement },
      });
    }
    const answer = await this.#seal(reference, request.agent, replyKey);
    const use = { requestHash, agent, commitment: reference.commitment, answer };
    await tickets.use(ticket, terms, use);
    return use;
  }

  /** Somebody else has the ticket: either of the two may be the one it was meant for. */
  #refuseSecond(agent: string, { agent: first }: TicketUse): never {
    this.#options.onAlert({ kind: "ticket-reused", round: 0, agent, detail: `it was used for ${first}` });
    throw new AffiantError("ERR_CONFLICT_TICKET_USED", "the ticket was used before, for another request", {
      hint: "If it was not you, retire that agent. Have a new ticket given out.",
    });
  }

  async #seal(reference: Reference, agent: EthrDid, replyKey: Hex): Promise<SealedWrapping> {
    const { keys, chainId, registry } = this.#options;
    const { version, commitment, agentKey } = reference;
    const info = wrappingInfo({ chainId, registry: registry.address, agent, version, commitment });
    const sealed = await sealAuthenticated(fromHex(agentKey, 32), info, fromHex(replyKey, 32), keys);
    return { version, commitment, enc: toHex(sealed.enc), ciphertext: toHex(sealed.ciphertext) };
  }

  #addressOf(did: string): string {
    const { address, chainId } = parseEthrDid(did);
    if (Number(chainId) === this.#options.chainId) return getAddress(address);
    throw new AffiantError("ERR_CONFLICT_CHAIN_ID", `this service is for agents of chain ${this.#options.chainId}`);
  }
}

function noTicket(): AffiantError {
  return new AffiantError("ERR_AUTH_TICKET", "no such ticket was given out");
}
