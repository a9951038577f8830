import type { Interface } from "ethers";

import type { Rpc, RpcError } from "./rpc.ts";

/** A contract read with `eth_call`, by function name. */
export interface ContractReader {
  /**
   * @param block number or tag; "latest" by default
   * @throws RpcError if the call reverts, AffiantError ERR_UNAVAILABLE_CHAIN if nobody answers
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
      const answer = await rpc.call("eth_call", [{ to: address, data }, tag]);
      return abi.decodeFunctionResult(name, String(answer)).toArray() as unknown[];
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
