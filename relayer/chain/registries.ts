import { getAddress, type Interface } from "ethers";
import { LRUCache } from "lru-cache";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { ContractReader } from "./contracts.ts";
import type { HeadTracker } from "./head.ts";

/** What an entry says about the chain. */
export interface ChainClaims {
  readonly did: string;
  readonly publicKeyHex: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly policy: string;
}

export interface RegistryOptions {
  readonly chainId: number;
  /** Blocks that a not-before block may lie behind the head. */
  readonly maxBlockAge: number;
  /** How long "this agent is active" is believed without asking again. */
  readonly activeForMs: number;
  readonly now: () => number;
}

interface Cached<T> {
  readonly value: T;
  readonly atMs: number;
  readonly generation: number;
}

/**
 * Holds an entry's claims against the registries. Answers about past blocks cannot change except by a reorg, so they
 * are kept until one happens; "active now" is kept for a bounded time. Concurrent questions share one call.
 */
export class Registries {
  readonly #agents: ContractReader;
  readonly #policies: ContractReader;
  readonly #heads: HeadTracker;
  readonly #options: RegistryOptions;
  readonly #cache = new LRUCache<string, Cached<unknown>>({ max: 20_000 });
  readonly #asking = new Map<string, Promise<unknown>>();
  readonly #addresses = new LRUCache<string, string>({ max: 20_000 });

  constructor(agents: ContractReader, policies: ContractReader, heads: HeadTracker, options: RegistryOptions) {
    this.#agents = agents;
    this.#policies = policies;
    this.#heads = heads;
    this.#options = options;
  }

  get abis(): readonly Interface[] {
    return [this.#agents.abi, this.#policies.abi];
  }

  /**
   * Whether the key speaks for the agent: it is active, and the key was its own at the entry's block.
   * @throws AffiantError ERR_CONFLICT_CHAIN_ID, ERR_AUTH_AGENT_INACTIVE, ERR_AUTH_SIGNING_KEY, ERR_UNAVAILABLE_CHAIN
   */
  async checkKey(claims: ChainClaims): Promise<void> {
    const address = this.#addressOf(claims.did);
    const active = await this.#ask(`active/${address}`, this.#options.activeForMs, () =>
      this.#agents.read("isActive", [address]),
    );
    if (active[0] !== true) {
      throw new AffiantError("ERR_AUTH_AGENT_INACTIVE", `${claims.did} is not an active agent`);
    }
    await this.#blockInReach(claims.blockNumber);
    const { publicKeyHex, blockNumber } = claims;
    const valid = await this.#ask(`key/${address}/${publicKeyHex}/${blockNumber}`, Infinity, () =>
      this.#agents.read("signingKeyValidAt", [address, publicKeyHex, blockNumber]),
    );
    if (valid[0] !== true) {
      throw new AffiantError("ERR_AUTH_SIGNING_KEY", `the signing key was not valid at block ${blockNumber}`);
    }
  }

  /**
   * Whether a key is a signing key of the agent at the newest block: who may speak for it now, e.g. about what it left here.
   * @throws AffiantError ERR_CONFLICT_CHAIN_ID, ERR_AUTH_SIGNING_KEY, ERR_UNAVAILABLE_CHAIN
   */
  async checkKeyNow(did: string, publicKeyHex: string): Promise<void> {
    const { number } = await this.#heads.poll();
    const valid = await this.#agents.read("signingKeyValidAt", [this.#addressOf(did), publicKeyHex, number]);
    if (valid[0] !== true) throw new AffiantError("ERR_AUTH_SIGNING_KEY", `not a signing key of ${did} now`);
  }

  /**
   * Whether the entry's block is in the chain and recent, and its policy was in force there.
   * @throws AffiantError ERR_CONFLICT_BLOCK_UNKNOWN, ERR_CONFLICT_BLOCK_TOO_OLD, ERR_CONFLICT_POLICY, ERR_UNAVAILABLE_CHAIN
   */
  async checkBlockAndPolicy(claims: ChainClaims): Promise<void> {
    const { blockNumber } = claims;
    const head = await this.#blockInReach(blockNumber);
    if (head - blockNumber > this.#options.maxBlockAge) {
      throw new AffiantError("ERR_CONFLICT_BLOCK_TOO_OLD", `block ${blockNumber} is ${head - blockNumber} blocks old`, {
        details: { headBlockNumber: head, maxBlockAge: this.#options.maxBlockAge },
        hint: "name a recent block when the act is signed",
      });
    }
    const hash = await this.#heads.hashOf(blockNumber);
    // Every block up to the head is there: an endpoint that has none of this number has not answered.
    if (hash === undefined) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain's endpoint does not have block ${blockNumber}`);
    }
    if (hash !== claims.blockHash) {
      throw new AffiantError("ERR_CONFLICT_BLOCK_UNKNOWN", `block ${blockNumber} has another hash in this chain`);
    }
    const address = this.#addressOf(claims.did);
    const [inForce, version] = await this.#ask(`policy/${address}/${blockNumber}`, Infinity, () =>
      this.#policies.read("inForce", [address, blockNumber]),
    );
    if (version === 0n || inForce !== claims.policy) {
      throw new AffiantError("ERR_CONFLICT_POLICY", `the policy was not in force at block ${blockNumber}`, {
        details: version === 0n ? {} : { policyInForce: inForce as Hex },
      });
    }
  }

  /** @returns the head's number */
  async #blockInReach(blockNumber: number): Promise<number> {
    let head = this.#heads.head;
    if (!head || head.number < blockNumber) head = await this.#heads.poll();
    if (head.number < blockNumber) {
      throw new AffiantError("ERR_CONFLICT_BLOCK_UNKNOWN", `block ${blockNumber} is not there yet`, {
        details: { headBlockNumber: head.number },
      });
    }
    return head.number;
  }

  #addressOf(did: string): string {
    let address = this.#addresses.get(did);
    if (address === undefined) {
      const parts = parseEthrDid(did);
      if (parts.chainId !== BigInt(this.#options.chainId)) {
        throw new AffiantError("ERR_CONFLICT_CHAIN_ID", `this log is for agents of chain ${this.#options.chainId}`);
      }
      address = getAddress(parts.address);
      this.#addresses.set(did, address);
    }
    return address;
  }

  async #ask(key: string, maxAgeMs: number, read: () => Promise<readonly unknown[]>): Promise<readonly unknown[]> {
    const generation = this.#heads.generation;
    const cached = this.#cache.get(key) as Cached<readonly unknown[]> | undefined;
    if (cached && cached.generation === generation && this.#options.now() - cached.atMs <= maxAgeMs)
      return cached.value;
    let asking = this.#asking.get(key) as Promise<readonly unknown[]> | undefined;
    if (!asking) {
      asking = read().finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const value = await asking;
    // "No" may become "yes" with the next block (a registration on its way), so only "yes" is kept.
    if (value[0] !== false) this.#cache.set(key, { value, atMs: this.#options.now(), generation });
    return value;
  }
}
