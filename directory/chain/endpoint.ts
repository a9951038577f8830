import { setTimeout as sleep } from "node:timers/promises";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { JsonRpcClient } from "../../protocol/jsonRpc/jsonRpcClient.ts";
import type { RawEvent } from "../events/event.ts";
import type { BlockRow } from "../store/store.ts";

export interface EndpointOptions {
  readonly url: string;
  /** How often a question is asked at most; default 4. */
  readonly attempts?: number;
  /** Default 200. */
  readonly firstPauseMs?: number;
  /** Of one HTTP request; default 30,000. */
  readonly timeoutMs?: number;
}

/** A block with what is looked at before its logs are believed. */
export interface SeenBlock extends BlockRow {
  /** 256 bytes: which addresses and topics may be in its logs. */
  readonly logsBloom: Hex | undefined;
}

export type BlockTag = "latest" | "safe" | "finalized";

/** One JSON-RPC endpoint, asked in types. What is not of the form of an answer is no answer (`JsonRpcClient`). */
export class Endpoint {
  readonly url: string;
  readonly #client: JsonRpcClient;
  readonly #closing = new AbortController();

  constructor({ url, attempts = 4, firstPauseMs = 200, timeoutMs = 30_000 }: EndpointOptions) {
    this.url = url;
    const { signal } = this.#closing;
    this.#client = new JsonRpcClient({
      post: (body) => post(url, body, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])),
      pause: (ms) => sleep(ms, undefined, { signal }),
      defer: setImmediate,
      attempts,
      firstPauseMs,
    });
  }

  async chainId(): Promise<number> {
    return Number(await this.#client.call("eth_chainId"));
  }

  /** @throws AffiantError ERR_UNAVAILABLE_CHAIN, also where the endpoint knows no such tag */
  async tagged(tag: BlockTag): Promise<SeenBlock> {
    return readBlock(await this.#client.call("eth_getBlockByNumber", [tag, false]));
  }

  /** @returns undefined where the endpoint has no block of that number */
  async block(number: number): Promise<SeenBlock | undefined> {
    const answer = await this.#client.call("eth_getBlockByNumber", [quantity(number), false]);
    return answer === null ? undefined : readBlock(answer);
  }

  /** Logs of these contracts in a range, in as many questions as the endpoint wants. */
  async logs(addresses: readonly Hex[], fromBlock: number, toBlock: number): Promise<RawEvent[]> {
    const filter = { address: addresses, fromBlock: quantity(fromBlock), toBlock: quantity(toBlock) };
    return readLogs(await this.#client.call("eth_getLogs", [filter]));
  }

  async logsOf(addresses: readonly Hex[], blockHash: Hex): Promise<RawEvent[]> {
    return readLogs(await this.#client.call("eth_getLogs", [{ address: addresses, blockHash }]));
  }

  close(): void {
    this.#closing.abort();
  }
}

async function post(url: string, body: string, signal: AbortSignal) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body, signal });
  return { status: response.status, retryAfter: response.headers.get("retry-after"), text: await response.text() };
}

function quantity(number: number): Hex {
  return `0x${number.toString(16)}`;
}

function readBlock(answer: unknown): SeenBlock {
  const { number, hash, parentHash, timestamp, logsBloom } = answer as Readonly<Record<string, string>>;
  return {
    number: Number(number),
    hash: lower(hash),
    parentHash: lower(parentHash),
    timestampSec: Number(timestamp),
    logsBloom: logsBloom?.length === 514 ? lower(logsBloom) : undefined,
  };
}

interface RpcLog {
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly logIndex: string;
  readonly transactionHash: string;
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

/** In chain order. @throws AffiantError ERR_UNAVAILABLE_CHAIN for logs that are not tied to a block */
function readLogs(answer: unknown): RawEvent[] {
  const logs = (answer as readonly RpcLog[]).map((log) => ({
    blockNumber: Number(log.blockNumber),
    blockHash: lower(log.blockHash),
    logIndex: Number(log.logIndex),
    transactionHash: lower(log.transactionHash),
    address: lower(log.address),
    topics: log.topics.map(lower),
    data: lower(log.data),
  }));
  for (const [i, log] of logs.entries()) {
    const before = logs[i - 1];
    if (!Number.isSafeInteger(log.blockNumber) || !Number.isSafeInteger(log.logIndex)) throw disordered();
    if (before && (before.blockNumber - log.blockNumber || before.logIndex - log.logIndex) >= 0) {
      return logs.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    }
  }
  return logs;
}

function disordered(): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_CHAIN", "the endpoint gives logs without block or place");
}

function lower(text: string | undefined): Hex {
  return (text ?? "0x").toLowerCase() as Hex;
}
