import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { RawEvent } from "../events/event.ts";
import type { BlockRow } from "../store/store.ts";
import { mayHold } from "./bloom.ts";
import { type BlockTag, Endpoint, type EndpointOptions, type SeenBlock } from "./endpoint.ts";

export interface Heads {
  readonly latest: BlockRow;
  readonly safe: BlockRow | undefined;
  readonly finalized: BlockRow | undefined;
}

/**
 * The chain as its endpoints tell it. What is taken over, and what is called final, all that are configured tell alike: one that
 * lies, lags or is away stops the directory, and does not make it lie.
 */
export class ChainSource {
  readonly #endpoints: readonly Endpoint[];
  readonly #chainId: number;
  readonly #checked = new Set<Endpoint>();
  /** Endpoints that do not know the tags: asking each time would be asking in vain. */
  readonly #withoutTags = new Set<Endpoint>();

  constructor(chainId: number, endpoints: readonly EndpointOptions[]) {
    this.#chainId = chainId;
    this.#endpoints = endpoints.map((options) => new Endpoint(options));
  }

  /**
   * The newest block that all endpoints have, and what all of them call safe and final.
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN, ERR_CONFLICT_CHAIN for an endpoint of another chain
   */
  async heads(): Promise<Heads> {
    const asked = await Promise.all(this.#endpoints.map((endpoint) => this.#headOf(endpoint)));
    const told = asked.filter((one) => one !== undefined);
    // One that is away might be the one that would have contradicted.
    if (told.length < this.#endpoints.length) throw unavailable("not every endpoint tells its newest block");
    const latest = told.map(({ head }) => head).reduce((low, head) => (head.number < low.number ? head : low));
    const [safe, finalized] = await Promise.all([this.#agreedTag("safe"), this.#agreedTag("finalized")]);
    return { latest, safe, finalized };
  }

  /** @returns undefined where the endpoints have no such block */
  block(number: number): Promise<SeenBlock | undefined> {
    return this.#agreed(
      (endpoint) => endpoint.block(number),
      (block) => block?.hash ?? "",
    );
  }

  logs(addresses: readonly Hex[], fromBlock: number, toBlock: number): Promise<RawEvent[]> {
    return this.#agreed((endpoint) => endpoint.logs(addresses, fromBlock, toBlock), digestOf);
  }

  /** All logs of one block. An answer without any, where the header speaks of some, is asked for again. */
  async logsOf(addresses: readonly Hex[], block: SeenBlock): Promise<RawEvent[]> {
    const ask = () => this.#agreed((endpoint) => endpoint.logsOf(addresses, block.hash), digestOf);
    const logs = await ask();
    const { logsBloom } = block;
    const isPlain = logs.length > 0 || logsBloom === undefined;
    if (isPlain || !addresses.some((address) => mayHold(logsBloom, address))) return logs;
    return ask();
  }

  close(): void {
    for (const endpoint of this.#endpoints) endpoint.close();
  }

  async #headOf(endpoint: Endpoint) {
    try {
      if (!this.#checked.has(endpoint)) await this.#checkChain(endpoint);
      return { endpoint, head: await endpoint.tagged("latest") };
    } catch (error) {
      if (isAffiantError(error, "ERR_UNAVAILABLE_CHAIN")) return undefined;
      throw error;
    }
  }

  async #checkChain(endpoint: Endpoint): Promise<void> {
    const found = await endpoint.chainId();
    if (found !== this.#chainId) {
      throw new AffiantError("ERR_CONFLICT_CHAIN", `an endpoint serves chain ${found}, not ${this.#chainId}`);
    }
    this.#checked.add(endpoint);
  }

  /** The lowest that any of them names, if all have the same block there. */
  async #agreedTag(tag: BlockTag): Promise<BlockRow | undefined> {
    if (this.#withoutTags.size > 0) return undefined;
    const told = await Promise.all(
      this.#endpoints.map((endpoint) =>
        endpoint.tagged(tag).catch((error: unknown) => {
          // It answered, and not with a block: a chain without these tags.
          if (isAffiantError(error) && error.details["answered"] === true) this.#withoutTags.add(endpoint);
          return undefined;
        }),
      ),
    );
    const [first, ...others] = told;
    if (first === undefined || others.includes(undefined)) return undefined;
    const lowest = others.reduce<BlockRow>((low, one) => (one && one.number < low.number ? one : low), first);
    const everywhere = await Promise.all(
      this.#endpoints.map((endpoint) => endpoint.block(lowest.number).catch(() => undefined)),
    );
    return everywhere.every((block) => block?.hash === lowest.hash) ? lowest : undefined;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_CHAIN if one does not answer, or two say different things */
  async #agreed<T>(ask: (endpoint: Endpoint) => Promise<T>, digest: (answer: T) => string): Promise<T> {
    const answers = await Promise.all(this.#endpoints.map(ask));
    const [first] = answers;
    const said = digest(first as T);
    if (answers.length > 1 && answers.some((answer) => digest(answer) !== said)) {
      throw unavailable("two endpoints tell different things of the same blocks");
    }
    return first as T;
  }
}

function digestOf(logs: readonly RawEvent[]): string {
  return logs
    .map(({ blockHash, logIndex, address, topics, data }) => [blockHash, logIndex, address, topics, data].join())
    .join("\n");
}

export function unavailable(message: string): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_CHAIN", message);
}
