import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { Contract, getAddress, keccak256, type Provider } from "ethers";

import { type AgentStanding, RegistryReader, type RoundState } from "../../attestation/service/registry.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";

export interface TicketTerms {
  readonly operator: string;
  /** EIP-55; left out for an agent whose keys are not made yet. */
  readonly agent?: string;
  /** m of the only program that may be enrolled, 32 bytes. */
  readonly measurement?: Hex;
}

/** The attestation service as its operator uses it, and the registry as anybody reads it. */
export class AttestationClient {
  readonly registry: RegistryReader;
  readonly #url: string;
  readonly #dataDir: string;

  /** @param dataDir of the service, where its operator's token is */
  constructor(url: string, dataDir: string, provider: Provider, registry: string) {
    this.#url = url;
    this.#dataDir = dataDir;
    this.registry = new RegistryReader(new Contract(registry, iAttestationRegistryAbi, provider), registry);
  }

  /** @returns the text of a ticket: a secret until it is used */
  async issueTicket(terms: TicketTerms): Promise<string> {
    return this.#post("tickets", terms);
  }

  /** Has the next round opened as soon as none is open, instead of when it is due. */
  async hastenRound(): Promise<void> {
    await this.#post("rounds", {});
  }

  standing(agent: string): Promise<AgentStanding> {
    return this.registry.standing(agent);
  }

  round(): Promise<RoundState | null> {
    return this.registry.round();
  }

  /** How often the service found credentials used by two: from its metrics. */
  async reusedTickets(): Promise<number> {
    const text = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(5_000) }).then((r) => r.text());
    const line = text.split("\n").find((one) => one.includes('kind="ticket-reused"'));
    return Number(line?.split(" ").at(-1) ?? 0);
  }

  async #post(what: string, fields: unknown): Promise<string> {
    const token = (await readFile(join(this.#dataDir, "service.token"), "utf8")).trim();
    let response: Response;
    try {
      response = await fetch(`${this.#url}/v1/attestation/${what}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(fields),
        signal: AbortSignal.timeout(30_000),
      });
      const text = await response.text();
      if (response.ok) return text;
      throw new Error(`status ${response.status}: ${text.slice(0, 200)}`);
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_TARGET", "the attestation service does not answer as it should", {
        cause,
      });
    }
  }
}

/** Operators are names in a descriptor and accounts on the chain: an account that nobody has the key of stands for one. */
export function operatorAccountOf(name: string): string {
  return getAddress(`0x${keccak256(utf8(`affiant operator ${name}`)).slice(-40)}`);
}
