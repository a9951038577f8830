import { Interface, type InterfaceAbi } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { isOfTheChain } from "../watch/answers.ts";
import { type AskAll, askHead, type Head } from "../watch/askHead.ts";
import { BlockWaiter } from "../watch/blockWaiter.ts";
import { BlockWatch } from "../watch/blockWatch.ts";
import { askEndpoint } from "../watch/endpoint.ts";

export interface ChainViewOptions {
  /** The host's block watch, or any JSON-RPC endpoint of the chain. */
  readonly url?: string;
  /** In place of an endpoint. */
  readonly ask?: AskAll;
  /** The only chain whose answers are taken. */
  readonly chainId: number;
  /** After so long without a sign of the endpoint nothing is answered from memory; default 10,000. */
  readonly maxSilenceMs?: number;
  /** Asks for the newest block before each answer instead of being told of it. Default: without `url`. */
  readonly alwaysAsk?: boolean;
  readonly nowMs?: () => number;
}

/** A contract as it is read here. */
export interface ReadableContract {
  readonly address: string;
  readonly abi: Interface;
}

export function readable(address: string, abi: InterfaceAbi): ReadableContract {
  return { address, abi: new Interface(abi) };
}

/**
 * A process's view of the chain's newest block: nothing is asked twice for one block, what was asked lately is asked ahead when a
 * block comes, and a block that was replaced takes its answers with it. It fails closed: an endpoint that was not heard for a while
 * is asked anew, and without its answer there is none.
 */
export class ChainView {
  readonly #watch: BlockWatch;
  readonly #ask: AskAll;
  readonly #options: ChainViewOptions;
  readonly #nowMs: () => number;
  readonly #alwaysAsk: boolean;
  readonly #stop = new AbortController();
  #heardAtMs = -Infinity;
  #rightChain = false;
  #looking: Promise<Head> | undefined;
  #queued: Promise<Head> | undefined;

  constructor(options: ChainViewOptions) {
    const { url, ask = url === undefined ? undefined : askEndpoint(url) } = options;
    if (!ask) throw new AffiantError("ERR_INPUT_CONFIG", "a view of the chain needs an endpoint");
    this.#options = options;
    this.#ask = ask;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#watch = new BlockWatch(ask);
    this.#alwaysAsk = options.alwaysAsk ?? url === undefined;
    if (!this.#alwaysAsk && url !== undefined) void this.#follow(url);
  }

  /** The newest block. @throws AffiantError ERR_UNAVAILABLE_CHAIN, ERR_CONFLICT_CHAIN */
  async head(): Promise<Head> {
    const { maxSilenceMs = 10_000 } = this.#options;
    const known = this.#watch.head;
    if (!this.#alwaysAsk && known && this.#nowMs() - this.#heardAtMs <= maxSilenceMs) return known;
    return this.#look();
  }

  /**
   * What a contract's function returns at the newest block.
   * @returns the values, or undefined if the contract reverts
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN whenever there is no answer that is the chain's own, ERR_CONFLICT_CHAIN
   */
  async read(
    contract: ReadableContract,
    name: string,
    args: readonly unknown[],
  ): Promise<readonly unknown[] | undefined> {
    await this.head();
    const data = contract.abi.encodeFunctionData(name, args);
    const params = [{ to: contract.address, data }, "latest"];
    const answer = await this.#watch.answer({ method: "eth_call", params }).catch((cause: unknown) => {
      throw unavailable(cause);
    });
    if ("error" in answer) {
      if (isOfTheChain(answer)) return undefined;
      throw unavailable(answer.error);
    }
    try {
      const values = contract.abi.decodeFunctionResult(name, String(answer.result));
      // ethers decodes what is nested when it is looked at: here, so that it is whole.
      values.toArray(true);
      return values.toArray() as unknown[];
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  close(): void {
    this.#stop.abort();
  }

  /** Asks for the newest block. Those who come while it is being asked share the next question: none is from before they came. */
  #look(): Promise<Head> {
    if (this.#queued) return this.#queued;
    const looking = (this.#looking ?? Promise.resolve()).then(
      () => this.#start(),
      () => this.#start(),
    );
    this.#queued = looking;
    return looking;
  }

  #start(): Promise<Head> {
    const looking = this.#askHead();
    this.#queued = undefined;
    this.#looking = looking;
    // Met by those who wait for it; here it is only not to be unheard.
    looking.catch(() => undefined);
    return looking;
  }

  async #askHead(): Promise<Head> {
    await this.#checkChain();
    let head: Head;
    try {
      head = await askHead(this.#ask);
    } catch (cause) {
      throw unavailable(cause);
    }
    this.#watch.told(head);
    this.#heardAtMs = this.#nowMs();
    return head;
  }

  async #checkChain(): Promise<void> {
    if (this.#rightChain) return;
    let answer;
    try {
      [answer] = await this.#ask([{ method: "eth_chainId", params: [] }]);
    } catch (cause) {
      throw unavailable(cause);
    }
    if (!answer || "error" in answer || typeof answer.result !== "string") throw unavailable(answer);
    const found = Number(answer.result);
    if (found !== this.#options.chainId) {
      throw new AffiantError("ERR_CONFLICT_CHAIN", `the endpoint serves chain ${found}, not ${this.#options.chainId}`);
    }
    this.#rightChain = true;
  }

  async #follow(url: string): Promise<void> {
    const waiter = new BlockWaiter(url);
    const { signal } = this.#stop;
    const { maxSilenceMs = 10_000 } = this.#options;
    while (!signal.aborted) {
      await this.#look().catch(() => undefined);
      await waiter.next(1_000, Math.min(5_000, maxSilenceMs / 2), signal);
    }
  }
}

function unavailable(cause: unknown): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_CHAIN", "the chain does not say how the subject stands now", { cause });
}
