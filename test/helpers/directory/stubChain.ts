import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { keccak256, toUtf8Bytes } from "ethers";

import type { Hex } from "../../../protocol/encoding/hex.ts";

export interface StubLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

interface StubBlock {
  readonly number: number;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly logs: readonly StubLog[];
}

/** How an endpoint misbehaves; all are off at first. */
export interface StubFaults {
  /** Blocks by which it is behind. */
  lag: number;
  /** Most blocks in one question for logs; more are refused as endpoints do. */
  rangeLimit: number;
  /** Whether the n-th question for logs leaves the last one out. */
  dropsLog: (nth: number) => boolean;
  /** Whether the n-th request is answered with an error of HTTP. */
  fails: (nth: number) => boolean;
  /** Distance of `finalized` and `safe` from the head; undefined: tags are unknown. */
  finalized: number | undefined;
  /** Called before each question: a chain may move between any two. */
  beforeEach: () => void;
}

/** A chain in memory behind JSON-RPC: blocks are what a test says, and may be taken back at any depth. */
export class StubChain {
  readonly blocks: StubBlock[] = [];
  readonly chainId: number;
  #fork = 0;

  constructor(chainId = 31_337) {
    this.chainId = chainId;
    this.add([]);
  }

  get head(): StubBlock {
    return this.blocks.at(-1) as StubBlock;
  }

  add(logs: readonly StubLog[]): void {
    const number = this.blocks.length;
    const parentHash = this.blocks.at(-1)?.hash ?? (`0x${"00".repeat(32)}` as Hex);
    const hash = keccak256(toUtf8Bytes(`${parentHash} ${number} ${this.#fork} ${logs.length}`)) as Hex;
    this.blocks.push({ number, hash, parentHash, logs });
  }

  /** Takes the newest blocks back. What is added next is another chain, also where it has the same logs. */
  takeBack(depth: number): void {
    this.#fork++;
    this.blocks.splice(Math.max(1, this.blocks.length - depth));
  }
}

/** One endpoint of a chain. Several may serve one chain, or chains that differ. */
export class StubEndpoint {
  readonly faults: StubFaults = {
    lag: 0,
    rangeLimit: Infinity,
    dropsLog: () => false,
    fails: () => false,
    finalized: undefined,
    beforeEach: () => undefined,
  };
  chain: StubChain;
  requests = 0;
  logQuestions = 0;
  readonly #server: Server;

  private constructor(chain: StubChain) {
    this.chain = chain;
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        if (this.faults.fails(this.requests++)) {
          response.writeHead(502).end("bad gateway");
          return;
        }
        const asked = JSON.parse(body) as Question | Question[];
        const text = JSON.stringify(Array.isArray(asked) ? asked.map((one) => this.#answer(one)) : this.#answer(asked));
        response.writeHead(200, { "content-type": "application/json" }).end(text);
      });
    });
  }

  static async start(chain: StubChain): Promise<StubEndpoint> {
    const endpoint = new StubEndpoint(chain);
    await new Promise<void>((resolve) => endpoint.#server.listen(0, "127.0.0.1", resolve));
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer({ id, method, params = [] }: Question): object {
    this.faults.beforeEach();
    const visible = this.chain.blocks.length - this.faults.lag;
    const result = (value: unknown) => ({ jsonrpc: "2.0", id, result: value });
    const error = (code: number, message: string) => ({ jsonrpc: "2.0", id, error: { code, message } });
    if (method === "eth_chainId") return result(quantity(this.chain.chainId));
    if (method === "eth_blockNumber") return result(quantity(visible - 1));
    if (method === "eth_getBlockByNumber") {
      const number = this.#numberOf(params[0] as string, visible);
      if (number === undefined) return error(-32_602, "unknown block tag");
      const block = number < visible ? this.chain.blocks[number] : undefined;
      return result(block ? headerOf(block) : null);
    }
    if (method === "eth_getLogs") return this.#logs(params[0] as Filter, visible, result, error);
    return error(-32_601, `no method ${method}`);
  }

  #numberOf(tag: string, visible: number): number | undefined {
    if (tag === "latest") return visible - 1;
    if (tag === "finalized" || tag === "safe") {
      const { finalized } = this.faults;
      return finalized === undefined ? undefined : Math.max(0, visible - 1 - finalized);
    }
    return Number(tag);
  }

  #logs(
    filter: Filter,
    visible: number,
    result: (value: unknown) => object,
    error: (code: number, message: string) => object,
  ): object {
    const { blockHash, fromBlock = "0x0", toBlock = "0x0" } = filter;
    const addresses = new Set([filter.address].flat().map((one) => one.toLowerCase()));
    const [from, to] = [Number(fromBlock), Math.min(visible - 1, Number(toBlock))];
    if (blockHash === undefined && Number(toBlock) - from + 1 > this.faults.rangeLimit) {
      return error(-32_000, `block range exceeds the limit of ${this.faults.rangeLimit}`);
    }
    const blocks =
      blockHash === undefined
        ? this.chain.blocks.slice(from, to + 1)
        : this.chain.blocks.filter(({ hash, number }) => hash === blockHash && number < visible);
    if (blockHash !== undefined && blocks.length === 0) return error(-32_000, "unknown block");
    const logs = blocks.flatMap((block) => logsIn(block, addresses));
    if (this.faults.dropsLog(this.logQuestions++)) logs.pop();
    return result(logs);
  }
}

interface Question {
  readonly id: number;
  readonly method: string;
  readonly params?: readonly unknown[];
}

interface Filter {
  readonly address: string | readonly string[];
  readonly blockHash?: string;
  readonly fromBlock?: string;
  readonly toBlock?: string;
}

function headerOf({ number, hash, parentHash }: StubBlock): object {
  return { number: quantity(number), hash, parentHash, timestamp: quantity(1_800_000_000 + 12 * number) };
}

function logsIn({ number, hash, logs }: StubBlock, addresses: ReadonlySet<string>): object[] {
  return logs.flatMap((log, i) =>
    addresses.has(log.address.toLowerCase())
      ? [
          {
            ...log,
            blockNumber: quantity(number),
            blockHash: hash,
            logIndex: quantity(i),
            transactionHash: `${hash.slice(0, 58)}${i.toString(16).padStart(8, "0")}`,
            transactionIndex: "0x0",
            removed: false,
          },
        ]
      : [],
  );
}

function quantity(number: number): string {
  return `0x${number.toString(16)}`;
}
