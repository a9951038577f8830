import { Contract } from "ethers";

import type { Rpc } from "./rpc.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { logAnchorAbi } from "../../protocol/generated/abi/LogAnchor.ts";

/** What the chain has on record of logs. */
export class LogAnchorReader {
  readonly #rpc: Rpc;
  readonly #contract: Contract;

  constructor(rpc: Rpc, { contracts }: Deployment) {
    this.#rpc = rpc;
    this.#contract = new Contract(contracts.logAnchor.address, logAnchorAbi, rpc.provider);
  }

  /** Who runs a log and with which key it signs. All empty if there is no such log. */
  async logOf(logId: Hex): Promise<{ readonly origin: string; readonly noteKey: Hex }> {
    const { origin, noteKey } = await this.#read<{ origin: string; noteKey: Hex }>("logOf", logId);
    return { origin, noteKey };
  }

  /** The newest anchor; all zero if there is none. */
  async latest(
    logId: Hex,
  ): Promise<{ readonly size: number; readonly blockNumber: number; readonly anchorCount: number }> {
    const { size, blockNumber, anchorCount } = await this.#read<Record<string, bigint>>("latest", logId);
    return { size: Number(size), blockNumber: Number(blockNumber), anchorCount: Number(anchorCount) };
  }

  #read<T>(name: string, logId: Hex): Promise<T> {
    return this.#rpc.ask(() => this.#contract.getFunction(name).staticCall(logId) as Promise<T>);
  }
}
