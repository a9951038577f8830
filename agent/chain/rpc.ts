import { isError } from "ethers";

import { ChainProvider } from "./chainProvider.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { RetryPolicy } from "../relayer/retry.ts";

export interface RpcOptions {
  readonly url: string;
  readonly chainId: number;
  readonly retry?: Partial<RetryPolicy>;
}

/** Reads a chain through one JSON-RPC endpoint, which must be of the chain that it is taken for. */
export class Rpc {
  readonly provider: ChainProvider;

  constructor({ url, chainId, retry }: RpcOptions) {
    this.provider = new ChainProvider({ url, chainId, ...retry });
  }

  /**
   * Runs a question to the chain. The provider asks again where nobody answered.
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN, ERR_CONFLICT_CHAIN if the endpoint is of another chain
   * @throws Error of ethers' code CALL_EXCEPTION if the contract reverts
   */
  async ask<T>(question: (provider: ChainProvider) => Promise<T>): Promise<T> {
    try {
      return await question(this.provider);
    } catch (cause) {
      // Bytes that do not decode are no answer of a contract of ours.
      if (!isError(cause, "BAD_DATA")) throw cause;
      throw new AffiantError(
        "ERR_UNAVAILABLE_CHAIN",
        "the chain's endpoint does not answer as a contract of ours would",
        {
          hint: "The chain was started afresh, or the deployment.json is of another one.",
          cause,
        },
      );
    }
  }

  close(): void {
    this.provider.destroy();
  }
}
