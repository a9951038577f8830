import { fromHex } from "../../protocol/encoding/hex.ts";
import { type ContractReader, decodeRevert } from "../chain/contracts.ts";
import { type Rpc, RpcError } from "../chain/rpc.ts";
import { type StoredAnchor } from "../store/treeStore.ts";

export interface RegisteredLog {
  /** EIP-55. */
  readonly operator: string;
  readonly noteKey: string;
  readonly registeredAtBlock: number;
}

/** What LogAnchor says of one log. */
export class AnchorReader {
  readonly #contract: ContractReader;
  readonly #rpc: Rpc;
  readonly logId: string;

  constructor(contract: ContractReader, rpc: Rpc, logId: string) {
    this.#contract = contract;
    this.#rpc = rpc;
    this.logId = logId;
  }

  get contract(): ContractReader {
    return this.#contract;
  }

  /** @returns undefined while the log is not registered */
  async registration(): Promise<RegisteredLog | undefined> {
    const answer = await this.#ifRegistered(() => this.#contract.read("logOf", [this.logId]));
    if (!answer) return undefined;
    const [operator, noteKey, , registeredAtBlock] = answer;
    return {
      operator: String(operator),
      noteKey: String(noteKey),
      registeredAtBlock: Number(registeredAtBlock),
    };
  }

  async count(): Promise<number> {
    const answer = await this.#ifRegistered(() => this.#contract.read("latest", [this.logId]));
    return Number(answer?.[3] ?? 0);
  }

  /** Without the transaction's hash, which views do not know. */
  async at(index: number): Promise<StoredAnchor> {
    const [size, root, blockNumber] = await this.#contract.read("anchorAt", [this.logId, index]);
    return {
      index,
      size: Number(size),
      root: fromHex(String(root), 32),
      blockNumber: Number(blockNumber),
      txHash: null,
    };
  }

  /** The transaction in a block that anchored this log, from the contract's events there. */
  async transactionOf(anchor: StoredAnchor): Promise<string | null> {
    const block = `0x${anchor.blockNumber.toString(16)}`;
    const logs = (await this.#rpc.call("eth_getLogs", [
      { address: this.#contract.address, fromBlock: block, toBlock: block, topics: [null, this.logId] },
    ])) as { transactionHash: string; data: string }[];
    // Several anchors of one log may stand in one block; the right one carries this root.
    const root = Buffer.from(anchor.root).toString("hex");
    return logs.find((log) => log.data.includes(root))?.transactionHash ?? logs[0]?.transactionHash ?? null;
  }

  async #ifRegistered<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof RpcError && decodeRevert(error, [this.#contract.abi])?.name === "UnknownLog")
        return undefined;
      throw error;
    }
  }
}
