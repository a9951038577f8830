import type { Interface } from "ethers";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type Rpc, RpcError } from "./rpc.ts";

/** A contract read with `eth_call`, by function name. */
export interface ContractReader {
  /**
   * @param block number or tag; "latest" by default
   * @throws RpcError with revert data if the contract reverts, AffiantError ERR_UNAVAILABLE_CHAIN if nobody answers as it
   *   would: nothing at all, or bytes that do not decode, are not its word
   */
  read(name: string, args: readonly unknown[], block?: number | "latest"): Promise<readonly unknown[]>;
  readonly address: string;
  readonly abi: Interface;
}

export function readContract(rpc: Rpc, address: string, abi: Interface): ContractReader {
  return {
    address,
    abi,
    async read(name, args, block = "latest") {
      const tag = typeof block === "number" ? `0x${block.toString(16)}` : block;
      const data = abi.encodeFunctionData(name, args);
      try {
        const answer = await rpc.call("eth_call", [{ to: address, data }, tag]);
        const values = abi.decodeFunctionResult(name, String(answer));
        // ethers decodes what is nested when it is looked at: here, so that it is whole.
        values.toArray(true);
        return values.toArray() as unknown[];
      } catch (cause) {
        if (isAffiantError(cause) || (cause instanceof RpcError && cause.kind === "revert")) throw cause;
        throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain does not say what ${name} returns`, { cause });
      }
    },
  };
}

/** Name and arguments of a custom error in revert data, as far as one of the interfaces knows it. */
export function decodeRevert(
  error: RpcError,
  abis: readonly Interface[],
): { name: string; args: string[] } | undefined {
  const { data } = error;
  if (data === undefined || data.length < 10) return undefined;
  for (const abi of abis) {
    const parsed = abi.parseError(data);
    if (parsed) return { name: parsed.name, args: parsed.args.map(String) };
  }
  return { name: data.slice(0, 10), args: [] };
}
