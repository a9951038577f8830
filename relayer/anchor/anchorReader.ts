import { fromHex } from "../../protocol/encoding/hex.ts";
import { type ContractReader, decodeRevert } from "../chain/contracts.ts";
import { type Rpc, RpcError } from "../chain/rpc.ts";
import type { StoredAnchor } from "../store/treeStore.ts";

export interface RegisteredLog {
  /** EIP-55. */
  readonly operator: string;
  readonly noteKey: string;
  readonly registeredAtBlock: number;
}

/** An anchor as its event tells it. */
export interface AnchorEvent {
  /** `record` is null: the event does not know it. */
  readonly anchor: StoredAnchor;
  /** Block of the anchor before; that of the registration for the first. */
  readonly previousBlockNumber: number;
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

  /** The latest root and the number of records. @returns undefined while nothing is anchored */
  async latest(): Promise<{ readonly anchor: StoredAnchor; readonly records: number } | undefined> {
    const answer = await this.#ifRegistered(() => this.#contract.read("latest", [this.logId]));
    if (!answer || Number(answer[0]) === 0) return undefined;
    return { anchor: anchorOf(answer, null), records: Number(answer[3]) };
  }

  /** Without the transaction's hash, which views do not know. */
  async record(index: number): Promise<StoredAnchor> {
    return anchorOf(await this.#contract.read("anchorAt", [this.logId, index]), index);
  }

  /** Every anchor in a block, recorded or not, in order, from the contract's events there. */
  async anchoredIn(blockNumber: number): Promise<AnchorEvent[]> {
    const { abi, address } = this.#contract;
    const block = `0x${blockNumber.toString(16)}`;
    const topics = [abi.getEvent("Anchored")?.topicHash, this.logId];
    const logs = (await this.#rpc.call("eth_getLogs", [{ address, fromBlock: block, toBlock: block, topics }])) as {
      transactionHash: string;
      data: string;
      topics: string[];
    }[];
    return logs.map(({ data, topics, transactionHash }) => {
      const [, size, root, previousBlockNumber] = abi.decodeEventLog("Anchored", data, topics);
      return {
        anchor: { ...anchorOf([size, root, blockNumber], null), txHash: transactionHash },
        previousBlockNumber: Number(previousBlockNumber),
      };
    });
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

function anchorOf([size, root, blockNumber]: readonly unknown[], record: number | null): StoredAnchor {
  return {
    size: Number(size),
    root: fromHex(String(root), 32),
    blockNumber: Number(blockNumber),
    txHash: null,
    record,
  };
}
