import type { Interface } from "ethers";

import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { codeOfContractError } from "../../protocol/errors/contractErrors.ts";
import { decodeRevert } from "../chain/contracts.ts";
import { type Rpc, RpcError } from "../chain/rpc.ts";

export interface SimulatorOptions {
  /** Whose balance and nonce the runs use; the registries ask for signatures, not for who sends. */
  readonly from: string;
  /** To put names to what contracts revert with. */
  readonly abis: readonly Interface[];
  readonly gasCap: number;
}

type Call = { readonly target: string; readonly data: Uint8Array };

/**
 * Runs calls against the head without spending anything. Estimating gas makes a node run the call several times, so
 * the limit of a function's calls is remembered: a later one is run once, with exactly the gas it would be signed with.
 */
export class Simulator {
  readonly #rpc: Rpc;
  readonly #options: SimulatorOptions;
  /** Target, selector, calldata length → gas limit to try, and the lowest that ever was enough. */
  readonly #limits = new Map<string, { readonly limit: number; readonly lowest: number }>();

  constructor(rpc: Rpc, options: SimulatorOptions) {
    this.#rpc = rpc;
    this.#options = options;
  }

  /**
   * @returns the gas limit to sign with
   * @throws AffiantError with the code of the contract's error (`protocol/errors/contractErrors.ts`), which stands in
   * `details`, ERR_PROOF_REVERTED for one that is not ours, ERR_PROOF_GAS_LIMIT, ERR_UNAVAILABLE_CHAIN
   */
  async run(call: Call): Promise<number> {
    const kind = `${call.target}:${toHex(call.data.subarray(0, 4))}:${call.data.length}`;
    const known = this.#limits.get(kind);
    if (known && (await this.#succeedsWith(call, known.limit))) return known.limit;
    const limit = await this.#estimate(call);
    const lowest = Math.min(limit, known?.lowest ?? limit);
    // One costly call (a contract wallet's signature) must not make all that follow reserve as much.
    if (limit <= lowest * 2) this.#remember(kind, { limit, lowest });
    return limit;
  }

  async #succeedsWith({ target, data }: Call, gas: number): Promise<boolean> {
    const params = { from: this.#options.from, to: target, data: toHex(data), gas: `0x${gas.toString(16)}` };
    try {
      await this.#rpc.call("eth_call", [params, "latest"]);
      return true;
    } catch (error) {
      // Any refusal may come of too little gas, deep inside: only a run with more tells.
      if (error instanceof RpcError) return false;
      throw error;
    }
  }

  /** What the node estimates and a fifth more. */
  async #estimate({ target, data }: Call): Promise<number> {
    const { from, abis, gasCap } = this.#options;
    const params = { from, to: target, data: toHex(data) };
    let estimate: number;
    try {
      await this.#rpc.call("eth_call", [params, "latest"]);
      estimate = Number(await this.#rpc.call("eth_estimateGas", [params]));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      throw refusal(error, abis);
    }
    const gasLimit = Math.ceil(estimate * 1.2);
    if (gasLimit > gasCap) {
      throw new AffiantError("ERR_PROOF_GAS_LIMIT", `the call needs ${estimate} gas`, {
        details: { gas: estimate, gasLimit: gasCap },
      });
    }
    return gasLimit;
  }

  #remember(kind: string, found: { readonly limit: number; readonly lowest: number }): void {
    if (this.#limits.size >= 1_000) this.#limits.clear();
    this.#limits.set(kind, found);
  }
}

function refusal(error: RpcError, abis: readonly Interface[]): AffiantError {
  const revert = decodeRevert(error, abis);
  if (!revert && !/revert/i.test(error.message)) {
    const message = `the node could not run the call: ${error.message}`;
    return new AffiantError("ERR_UNAVAILABLE_CHAIN", message, { details: { answered: true } });
  }
  const code = (revert && codeOfContractError(revert.name)) ?? "ERR_PROOF_REVERTED";
  return new AffiantError(code, `the contract refuses the call: ${revert?.name ?? "no reason given"}`, {
    details: revert ? { revert } : {},
  });
}
