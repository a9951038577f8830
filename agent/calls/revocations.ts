import type { EthrDid } from "../../protocol/did/ethr.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

/** One link of a chain as the ContractRegistry names it. */
export interface ContractLink {
  /** SHA-256 in the contract's CID, 32 bytes. */
  readonly contractId: Hex;
  /** The issuer's account, which may revoke this link and all beneath it. */
  readonly issuerAgent: EthrDid;
  /** The Ed25519 key that signed the link, 32 bytes. */
  readonly issuerKey: Hex;
}

/** What the chain said of a whole chain of contracts. */
export interface RevocationFinding {
  /** The first link that is revoked, by whom and since which block; undefined if none is. */
  readonly revoked?: { readonly link: number; readonly by: EthrDid; readonly blockNumber: number };
  /** The first link whose key is not a signing key of the account it names; undefined if all are. */
  readonly unboundLink?: number;
  /** The block at which this was read. */
  readonly blockNumber: number;
}

/** Asks the chain. Throws if it does not answer: no answer is never taken for "not revoked". */
export interface RevocationSource {
  read(chain: readonly ContractLink[]): Promise<RevocationFinding>;
}

export interface AgedFinding extends RevocationFinding {
  /** How long ago it was read, in seconds. */
  readonly ageSec: number;
}

interface Cached {
  readonly finding: RevocationFinding;
  readonly readAtSec: number;
}

/** Most chains that are remembered; the oldest is forgotten first. */
const maxCached = 4096;

/** Answers from memory for at most `maxAgeSec`, then asks again. The age is part of every answer. */
export class CachedRevocations {
  readonly #source: RevocationSource;
  readonly #maxAgeSec: number;
  readonly #cache = new Map<string, Cached>();
  readonly #reading = new Map<string, Promise<Cached>>();

  constructor(source: RevocationSource, maxAgeSec: number) {
    this.#source = source;
    this.#maxAgeSec = maxAgeSec;
  }

  /** @throws whatever the source throws when it must be asked and does not answer */
  async read(chain: readonly ContractLink[], nowSec: number): Promise<AgedFinding> {
    const key = chain.map((link) => `${link.contractId}${link.issuerAgent}${link.issuerKey}`).join();
    const known = this.#cache.get(key);
    if (known && nowSec - known.readAtSec <= this.#maxAgeSec && nowSec >= known.readAtSec) {
      return { ...known.finding, ageSec: nowSec - known.readAtSec };
    }
    const { finding, readAtSec } = await this.#readOnce(key, chain, nowSec);
    return { ...finding, ageSec: Math.max(0, nowSec - readAtSec) };
  }

  /** Calls that come in while the chain is being asked wait for the same answer. */
  #readOnce(key: string, chain: readonly ContractLink[], nowSec: number): Promise<Cached> {
    const underway = this.#reading.get(key);
    if (underway) return underway;
    const reading = this.#source
      .read(chain)
      .then((finding) => {
        const cached = { finding, readAtSec: nowSec };
        this.#cache.delete(key);
        this.#cache.set(key, cached);
        const oldest = this.#cache.keys().next().value;
        if (this.#cache.size > maxCached && oldest !== undefined) this.#cache.delete(oldest);
        return cached;
      })
      .finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }
}
