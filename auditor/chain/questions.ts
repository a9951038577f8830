import { type Interface, toQuantity } from "ethers";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { codeFoundBy, codeHashProbe } from "../../protocol/jsonRpc/codeHashProbe.ts";
import { JsonRpcClient } from "../../protocol/jsonRpc/jsonRpcClient.ts";
import { RpcError } from "../../protocol/jsonRpc/rpcError.ts";

export interface QuestionOptions {
  readonly batchLimit: number;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
}

export interface Block {
  readonly number: number;
  readonly hash: Hex;
  /** Unix seconds. */
  readonly timeSec: number;
  /** 256 bytes; undefined if the endpoint does not tell. */
  readonly logsBloom: string | undefined;
}

/** So many questions in a row without an answer, and the endpoint is asked whether it is there at all. */
const silencesInRow = 20;

/** `foreign`: the contract's word, but not one that a contract of ours would give; also where there is no code. */
export type ContractWord = readonly unknown[] | "refused" | "foreign";

/**
 * Asks an endpoint as of one block, each question once: what it was asked before, it is not asked again, the silences
 * among it included. A silence is an AffiantError ERR_UNAVAILABLE_CHAIN, never a value.
 */
export class Questions {
  readonly #client: JsonRpcClient;
  readonly #options: QuestionOptions;
  readonly #known = new Map<string, Promise<unknown>>();
  #head: Promise<Block> | undefined;
  #silences = 0;
  #isThere: Promise<void> | undefined;

  constructor(url: string, options: QuestionOptions) {
    this.#options = options;
    this.#client = new JsonRpcClient({
      post: async (body) => {
        const signal = AbortSignal.timeout(options.timeoutMs);
        const headers = { "content-type": "application/json" };
        const response = await fetch(url, { method: "POST", headers, body, signal });
        return {
          status: response.status,
          retryAfter: response.headers.get("retry-after"),
          text: await response.text(),
        };
      },
      pause,
      defer: (flush) => setTimeout(flush, 1),
      ...options,
    });
  }

  async chainId(): Promise<number> {
    return Number(await this.ask("eth_chainId", []));
  }

  /** The block as of which everything is answered: the newest one at the first question. */
  head(): Promise<Block> {
    return (this.#head ??= this.#block("latest"));
  }

  /** A block up to the head, all of which every chain has. */
  block(number: number): Promise<Block> {
    return this.#block(toQuantity(number));
  }

  /** Whether the head is still the chain's block of that number, asked anew. */
  async isHeadThere(): Promise<boolean> {
    const head = await this.head();
    const now = await this.#insist(() => this.#client.call("eth_getBlockByNumber", [toQuantity(head.number), false]));
    return (now as { hash: string }).hash.toLowerCase() === head.hash;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_CHAIN, also while `eth_getCode` and the code itself disagree */
  async code(address: Hex): Promise<string> {
    const code = (await this.asOfHead("eth_getCode", address)) as string;
    if (code !== "0x" || !(await this.#probeFindsCode(address))) return code;
    throw silent(`the endpoint knows no code at ${address}, and runs it`);
  }

  /**
   * What a contract says as of the head.
   * @param refusals names of the custom errors by which this function says that there is no such thing
   */
  call(
    abi: Interface,
    to: Hex,
    name: string,
    args: readonly unknown[],
    refusals: readonly string[],
  ): Promise<ContractWord> {
    const data = abi.encodeFunctionData(name, args);
    return this.#once(`${to} ${data}`, async () => {
      const params = [{ to, data }, toQuantity((await this.head()).number)];
      try {
        const answer = await this.#client.call("eth_call", params);
        // From an address without code, nothing is its word. From a contract it is none of ours: nodes that lost a
        // block's state say it too.
        if (answer === "0x" && (await this.code(to)) === "0x") return "foreign";
        const values = decoded(abi, name, answer);
        return (
          values ?? (await this.#insist(async () => decoded(abi, name, await this.#client.call("eth_call", params))))
        );
      } catch (error) {
        if (error instanceof RpcError && error.kind === "revert") {
          const said = error.data === "0x" ? null : abi.parseError(error.data ?? "0x");
          return said && refusals.includes(said.name) ? "refused" : "foreign";
        }
        throw error;
      }
    });
  }

  async asOfHead(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return this.ask(method, [...params, toQuantity((await this.head()).number)]);
  }

  ask(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#once(JSON.stringify([method, params]), () => this.#client.call(method, params));
  }

  async #block(tag: string): Promise<Block> {
    return this.#once(`block ${tag}`, async () => {
      const found = await this.#insist(() => this.#client.call("eth_getBlockByNumber", [tag, false]));
      const { number, hash, timestamp, logsBloom } = found as Readonly<Record<string, string | undefined>>;
      const bloom = /^0x[0-9a-f]{512}$/i.test(logsBloom ?? "") ? logsBloom : undefined;
      return {
        number: Number(number),
        hash: (hash ?? "").toLowerCase() as Hex,
        timeSec: Number(timestamp),
        logsBloom: bloom,
      };
    });
  }

  async #probeFindsCode(address: Hex): Promise<boolean> {
    const found = codeFoundBy(await this.asOfHead("eth_call", { data: codeHashProbe(address) }));
    if (found === undefined) throw silent(`the endpoint does not tell what is at ${address}`);
    return found;
  }

  /** Asks again while what comes back is nothing. */
  async #insist<T>(ask: () => Promise<T>): Promise<NonNullable<T>> {
    const { attempts, firstPauseMs, maxPauseMs } = this.#options;
    for (let made = 1; ; made++) {
      const found = await ask();
      if (found !== null && found !== undefined) return found;
      if (made >= attempts) throw silent("it answers with nothing where there must be something");
      await pause(Math.min(maxPauseMs, firstPauseMs * 2 ** (made - 1)));
    }
  }

  #once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key) as Promise<T> | undefined;
    if (known) return known;
    const answer = this.#counted(ask);
    this.#known.set(key, answer);
    return answer;
  }

  /** An endpoint that is away for good ends the audit, instead of each of a hundred thousand questions by itself. */
  async #counted<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#silences >= silencesInRow) await this.#checkThere();
    try {
      const answer = await ask();
      this.#silences = 0;
      return answer;
    } catch (error) {
      if (isSilence(error)) this.#silences++;
      // Code that did not run to its end, without a word of the contract.
      throw error instanceof RpcError && error.kind !== "revert" ? silent(error.message, error) : error;
    }
  }

  async #checkThere(): Promise<void> {
    this.#isThere ??= this.#client.call("eth_chainId").then(() => {
      this.#silences = 0;
      this.#isThere = undefined;
    });
    try {
      await this.#isThere;
    } catch (cause) {
      throw silent("it is not there any more", cause, { away: true });
    }
  }
}

/** @returns undefined for bytes that are no return value of the function */
function decoded(abi: Interface, name: string, answer: unknown): readonly unknown[] | undefined {
  try {
    const values = abi.decodeFunctionResult(name, answer as string);
    // ethers decodes what is nested when it is looked at: here, so that it is whole.
    values.toArray(true);
    return values;
  } catch {
    return undefined;
  }
}

function silent(what: string, cause?: unknown, details: Readonly<Record<string, unknown>> = {}): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain's endpoint gives no answer: ${what}`, {
    cause,
    details,
    hint: "Check the address of the endpoint, and that it serves the block's state.",
  });
}

function isSilence(error: unknown): boolean {
  return error instanceof AffiantError && error.code === "ERR_UNAVAILABLE_CHAIN";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
