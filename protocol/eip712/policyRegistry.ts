import type { TypedDataDomain, TypedDataTable } from "./typedData.ts";

/** What an agent's owner signs so that anyone may carry its policy commitment to the registry. */
export const policyRegistryTypes = {
  Commit: [
    { name: "agent", type: "address" },
    { name: "policyHash", type: "bytes32" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const satisfies TypedDataTable;

/** @param registry address of the proxy */
export function policyRegistryDomain(chainId: bigint, registry: string): TypedDataDomain {
  return { name: "Affiant PolicyRegistry", version: "2", chainId, verifyingContract: registry };
}
