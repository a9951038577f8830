import type { TypedDataDomain, TypedDataTable } from "./typedData.ts";

/**
 * What a log's operator signs beside the Ed25519 note of every checkpoint it hands out, so that a contract can hold it
 * to its word: the EVM verifies this signature cheaply and the note's not at all.
 */
export const logAnchorTypes = {
  Checkpoint: [
    { name: "logId", type: "bytes32" },
    { name: "size", type: "uint64" },
    { name: "root", type: "bytes32" },
  ],
} as const satisfies TypedDataTable;

export function logAnchorDomain(chainId: bigint, logAnchor: string): TypedDataDomain {
  return { name: "Affiant LogAnchor", version: "1", chainId, verifyingContract: logAnchor };
}
