import { FetchRequest, isError, JsonRpcProvider, Network } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type AttemptFailure, defaultRetry, type RetryPolicy, withRetries } from "../relayer/retry.ts";

export interface RpcOptions {
  readonly url: string;
  readonly chainId: number;
  readonly retry?: Partial<RetryPolicy>;
}

/** Reads a chain through one JSON-RPC endpoint, which must be of the chain that it is taken for. */
export class Rpc {
  readonly provider: JsonRpcProvider;
  readonly #options: RpcOptions;
  #checked: Promise<void> | undefined;

  constructor(options: RpcOptions) {
    const request = new FetchRequest(options.url);
    request.timeout = 30_000;
    // Without a static network ethers retries for ever, and speaks on stdout, when nobody answers. Its cache would hide
    // what was mined a moment ago.
    const network = Network.from(options.chainId);
    this.provider = new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1 });
    this.#options = options;
  }

  /**
   * Runs a question to the chain, again if nobody answered.
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN, ERR_CONFLICT_CHAIN if the endpoint is of another
   * chain, ERR_PROOF_REVERTED
   */
  async ask<T>(question: (provider: JsonRpcProvider) => Promise<T>): Promise<T> {
    this.#checked ??= this.#checkChain().catch((error: unknown) => {
      this.#checked = undefined;
      throw error;
    });
    await this.#checked;
    return this.#try(question);
  }

  close(): void {
    this.provider.destroy();
  }

  async #checkChain(): Promise<void> {
    const found = Number(await this.#try((provider) => provider.send("eth_chainId", []) as Promise<string>));
    if (found !== this.#options.chainId) {
      throw new AffiantError("ERR_CONFLICT_CHAIN", `the endpoint serves chain ${found}, not ${this.#options.chainId}`, {
        hint: "Give the endpoint of the chain on which the contracts are.",
        details: { found, expected: this.#options.chainId },
      });
    }
  }

  #try<T>(question: (provider: JsonRpcProvider) => Promise<T>): Promise<T> {
    return withRetries(
      { ...defaultRetry, ...this.#options.retry },
      undefined,
      async (): Promise<{ value: T } | AttemptFailure> => {
        try {
          return { value: await question(this.provider) };
        } catch (cause) {
          if (isError(cause, "CALL_EXCEPTION") || isError(cause, "BAD_DATA")) throw cause;
          return { error: this.#unavailable(cause) };
        }
      },
    );
  }

  #noContract(cause: unknown): AffiantError {
    return new AffiantError("ERR_CONFLICT_CHAIN", "there is no contract of ours at the deployment's address", {
      hint: "The chain was started afresh, or the deployment.json is of another one.",
      cause,
    });
  }

  #unavailable(cause: unknown): AffiantError {
    // An endpoint's address may carry an access token: only its host is shown.
    const { host } = new URL(this.#options.url);
    const { code, shortMessage } = cause as { code?: string; shortMessage?: string };
    return new AffiantError(
      "ERR_UNAVAILABLE_CHAIN",
      `the chain's endpoint at ${host} does not answer (${code ?? shortMessage})`,
      {
        cause,
      },
    );
  }
}
