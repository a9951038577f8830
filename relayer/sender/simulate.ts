import { hexlify, type Interface } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { codeOfContractError } from "../../protocol/errors/contractErrors.ts";
import { decodeRevert } from "../chain/contracts.ts";
import { type Rpc, RpcError } from "../chain/rpc.ts";

/**
 * Runs a call against the head without spending anything.
 * @returns the gas limit to sign with: what the node estimates and a fifth more
 * @throws AffiantError with the code of the contract's error (`protocol/errors/contractErrors.ts`), which stands in
 * `details`, ERR_PROOF_REVERTED for one that is not ours, ERR_PROOF_GAS_LIMIT, ERR_UNAVAILABLE_CHAIN
 */
export async function simulate(
  rpc: Rpc,
  from: string,
  call: { readonly target: string; readonly data: Uint8Array },
  abis: readonly Interface[],
  gasCap: number,
): Promise<number> {
  const params = { from, to: call.target, data: hexlify(call.data) };
  let estimate: number;
  try {
    await rpc.call("eth_call", [params, "latest"]);
    estimate = Number(await rpc.call("eth_estimateGas", [params]));
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

function refusal(error: RpcError, abis: readonly Interface[]): AffiantError {
  const revert = decodeRevert(error, abis);
  if (!revert && !/revert/i.test(error.message)) {
    return new AffiantError("ERR_UNAVAILABLE_CHAIN", `the node could not run the call: ${error.message}`);
  }
  const code = (revert && codeOfContractError(revert.name)) ?? "ERR_PROOF_REVERTED";
  return new AffiantError(code, `the contract refuses the call: ${revert?.name ?? "no reason given"}`, {
    details: revert ? { revert } : {},
  });
}
