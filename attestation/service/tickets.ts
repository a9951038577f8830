import { randomBytes } from "node:crypto";

import { type SealedWrapping, ticketIdOf } from "../../protocol/attestation/enrolment.ts";
import type { AssuranceTier } from "../../protocol/attestation/types.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { SealedStore } from "./sealedStore.ts";

/** What a ticket lets its holder enrol. */
export interface TicketTerms {
  /** Who runs the agent (EIP-55): verifiers are drawn from other operators where the set allows. */
  readonly operator: string;
  readonly tier: AssuranceTier;
  /** EIP-55. Absent: any registered agent; for one whose keys are made by its wrapper. */
  readonly agent?: string;
  /** m of the only program that may be enrolled, 32 bytes. Absent: what the wrapper finds is the reference. */
  readonly measurement?: Hex;
}

/** How a ticket was used. */
export interface TicketUse {
  /** SHA-256 of the request, 32 bytes: the same one gets the same answer. */
  readonly requestHash: Hex;
  /** EIP-55. */
  readonly agent: string;
  readonly commitment: Hex;
  readonly answer: SealedWrapping;
}

export interface TicketRecord {
  readonly terms: TicketTerms;
  readonly use?: TicketUse;
}

/** Tickets that were given out, by the hash of their secret. */
export class Tickets {
  readonly #store: SealedStore;

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** @returns the secret, 32 bytes; it is not kept */
  async issue(terms: TicketTerms): Promise<Hex> {
    const secret = toHex(randomBytes(32));
    await this.#store.put(nameOf(secret), { terms });
    return secret;
  }

  find(secret: Hex): Promise<TicketRecord | undefined> {
    return this.#store.get<TicketRecord>(nameOf(secret));
  }

  use(secret: Hex, terms: TicketTerms, use: TicketUse): Promise<void> {
    return this.#store.put(nameOf(secret), { terms, use });
  }
}

function nameOf(secret: Hex): string {
  return `ticket ${ticketIdOf(secret)}`;
}
