import { Contract, Interface, isError } from "ethers";

import type { Rpc } from "./rpc.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { namesSelector } from "../../protocol/jsonRpc/codeHashProbe.ts";
import { logAnchorAbi } from "../../protocol/generated/abi/LogAnchor.ts";

const erc1271 = new Interface(["function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)"]);
/** ERC-1271: the function's own selector, as a word, says yes. */
const signedAnswer = `0x1626ba7e${"00".repeat(28)}`;

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

  /** The accounts that operate or operated a log, the first one first. */
  async operatorsOf(logId: Hex): Promise<string[]> {
    const { operators } = await this.#read<{ operators: readonly string[] }>("operatorsOf", logId);
    return [...operators];
  }

  /**
   * The same accounts, each with the largest tree about which the contract takes its statements: of the one that operates
   * the log now, any. A LogAnchor from before it said so takes all.
   */
  async termsOf(logId: Hex): Promise<readonly { readonly operator: string; readonly statesUpTo?: number }[]> {
    const operators = await this.operatorsOf(logId);
    const sizes = await this.#handoverSizes(logId);
    return operators.map((operator) => {
      const handover = sizes?.[operators.lastIndexOf(operator) + 1];
      return handover === undefined ? { operator } : { operator, statesUpTo: Number(handover) };
    });
  }

  /** Undefined only where the code has no such function: no answer is not "for any size". */
  async #handoverSizes(logId: Hex): Promise<readonly bigint[] | undefined> {
    const { selector } = this.#contract.interface.getFunction("handoverSizesOf") ?? { selector: "" };
    const code = await this.#rpc.ask((provider) => provider.getCode(this.#contract.target));
    if (code !== "0x" && !namesSelector(code, selector)) return undefined;
    return [...(await this.#read<readonly bigint[]>("handoverSizesOf", logId))];
  }

  /**
   * Whether an account that is a contract says that it signed (ERC-1271). False for one without code, and for one that
   * reverts. @throws AffiantError ERR_UNAVAILABLE_CHAIN
   */
  async isSignedBy(account: string, digest: Hex, signature: Hex): Promise<boolean> {
    const data = erc1271.encodeFunctionData("isValidSignature", [digest, signature]);
    try {
      const answer = await this.#rpc.ask((provider) => provider.call({ to: account, data }));
      return answer.slice(0, signedAnswer.length) === signedAnswer;
    } catch (error) {
      if (isError(error, "CALL_EXCEPTION")) return false;
      throw error;
    }
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
