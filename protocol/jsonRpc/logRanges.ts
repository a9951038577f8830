import { isAffiantError } from "../errors/affiantError.ts";
import { RpcError } from "./rpcError.ts";

type Ask = (method: string, params: readonly unknown[], attempts: number) => Promise<unknown>;

interface Filter {
  readonly blockHash?: unknown;
  readonly fromBlock?: unknown;
  readonly toBlock?: unknown;
}

/** A range that is not answered is asked so often before it is halved: the trouble may not be its length. */
const attemptsOfRange = 2;

/**
 * Asks for logs in ranges that the endpoint takes. "Latest" becomes a number first, so that all parts are of one range.
 * What is refused is halved, down to one block; a limit that the endpoint names by refusing is remembered.
 */
export class LogRanges {
  readonly #ask: Ask;
  #limit = Infinity;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** @throws as `JsonRpcClient.call`, for the one block that is not answered */
  async ask(params: readonly unknown[], attempts: number): Promise<unknown> {
    const filter = (params[0] ?? {}) as Filter;
    if (filter.blockHash !== undefined) return this.#ask("eth_getLogs", params, attempts);
    const [from, to] = [filter.fromBlock, filter.toBlock];
    const latest = isNumber(from) && isNumber(to) ? 0 : Number(await this.#ask("eth_blockNumber", [], attempts));
    const [first, last] = [from, to].map((tag) => (isNumber(tag) ? Number(tag) : tag === "earliest" ? 0 : latest));
    if (first === undefined || last === undefined || first > last) return [];
    return this.#inParts(filter, first, last, attempts);
  }

  async #inParts(filter: Filter, first: number, last: number, attempts: number): Promise<readonly unknown[]> {
    const found: unknown[] = [];
    let width = Math.min(this.#limit, last - first + 1);
    for (let from = first; from <= last;) {
      const to = Math.min(last, from + width - 1);
      const part = [{ ...filter, fromBlock: quantity(from), toBlock: quantity(to) }];
      const tries = from === to ? attempts : Math.min(attempts, attemptsOfRange);
      try {
        for (const log of (await this.#ask("eth_getLogs", part, tries)) as readonly unknown[]) found.push(log);
        from = to + 1;
      } catch (error) {
        if (from === to || !isAffiantError(error, "ERR_UNAVAILABLE_CHAIN")) throw error;
        width = Math.ceil((to - from + 1) / 2);
        if (isRefusal(error.cause)) this.#limit = Math.min(this.#limit, width);
      }
    }
    return found;
  }
}

/** Said to the range, not for want of time: it would be said again. */
export function isRefusal(why: unknown): boolean {
  return why instanceof RpcError && why.kind !== "later";
}

/** Whether a question for logs is about more than one block, so that it can be asked in parts. */
export function isDivisible(method: string, params: readonly unknown[]): boolean {
  const { fromBlock, toBlock } = (params[0] ?? {}) as Filter;
  return method === "eth_getLogs" && fromBlock !== toBlock;
}

function isNumber(tag: unknown): boolean {
  return typeof tag === "string" && /^0x[0-9a-f]{1,12}$/i.test(tag);
}

function quantity(block: number): string {
  return `0x${block.toString(16)}`;
}
