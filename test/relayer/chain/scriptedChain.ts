import type { Rpc } from "../../../relayer/chain/rpc.ts";

/** What a block is called on one branch of the chain: number and letter, as in `31b`. */
type BlockName = `${number}${string}`;

/** A node whose branches, head and receipts the test sets by hand, also where they do not fit each other. */
export class ScriptedChain implements Rpc {
  /** By number; the name is the hash. */
  readonly #blocks = new Map<number, BlockName>();
  /** The block that every transaction handed in stands in; undefined: none yet. */
  #minedIn: BlockName | undefined;
  #head = 0;
  readonly sent: string[] = [];
  readonly asked: string[] = [];

  /** Puts a branch's blocks in place of what was there, from one number to another. */
  branch(letter: string, from: number, to: number): void {
    for (let number = from; number <= to; number++) this.#blocks.set(number, `${number}${letter}`);
  }

  /** What `latest` says from now on, which may be less than there is: nodes answer one question after another. */
  set head(number: number) {
    this.#head = number;
  }

  mineAllIn(block: BlockName | undefined): void {
    this.#minedIn = block;
  }

  troubles(): string[] {
    return [];
  }

  call(method: string, params: readonly unknown[]): Promise<unknown> {
    this.asked.push(`${method} ${String(params[0])}`);
    switch (method) {
      case "eth_getBlockByNumber":
        return Promise.resolve(this.#block(params[0] === "latest" ? this.#head : Number(params[0])));
      case "eth_sendRawTransaction":
        this.sent.push(String(params[0]));
        return Promise.resolve(params[0]);
      case "eth_getTransactionReceipt":
        return Promise.resolve(this.#receipt());
      case "eth_getTransactionCount":
        return Promise.resolve(this.#minedIn === undefined ? "0x0" : "0x1");
      case "eth_getBalance":
        return Promise.resolve("0xde0b6b3a7640000");
      case "eth_estimateGas":
        return Promise.resolve("0xc350");
      default:
        return Promise.resolve("0x");
    }
  }

  #block(number: number): Record<string, string> | null {
    const hash = this.#blocks.get(number);
    if (hash === undefined) return null;
    const parentHash = this.#blocks.get(number - 1) ?? "";
    return { number: String(number), hash, parentHash, timestamp: "1", baseFeePerGas: "1" };
  }

  #receipt(): Record<string, string> | null {
    const blockHash = this.#minedIn;
    if (blockHash === undefined) return null;
    const blockNumber = String(Number.parseInt(blockHash));
    return { blockHash, blockNumber, status: "1", gasUsed: "21000", effectiveGasPrice: "1" };
  }
}
