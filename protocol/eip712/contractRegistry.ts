import type { TypedDataDomain, TypedDataTable } from "./typedData.ts";

const agent = { name: "agent", type: "address" } as const;
const nonce = { name: "nonce", type: "uint256" } as const;
const deadline = { name: "deadline", type: "uint256" } as const;

/** What an agent's owner signs so that anyone may carry it to the ContractRegistry. */
export const contractRegistryTypes = {
  Revoke: [agent, { name: "contractIds", type: "bytes32[]" }, nonce, deadline],
  Anchor: [agent, { name: "contractId", type: "bytes32" }, { name: "audience", type: "address" }, nonce, deadline],
} as const satisfies TypedDataTable;

/** @param registry address of the proxy */
export function contractRegistryDomain(chainId: bigint, registry: string): TypedDataDomain {
  return { name: "Affiant ContractRegistry", version: "2", chainId, verifyingContract: registry };
}
