import type { TypedDataDomain, TypedDataTable } from "./typedData.ts";

const agent = { name: "agent", type: "address" } as const;
/** OpenZeppelin NoncesKeyed: 192-bit key << 64 | 64-bit sequence, counted for the agent, or for the account that the struct names as its signer. */
const nonce = { name: "nonce", type: "uint256" } as const;
/** Unix seconds; the last second at which the request may be mined. */
const deadline = { name: "deadline", type: "uint256" } as const;

/** What an agent's owner (or its next owner, or a guardian) signs so that anyone may carry the request to the registry. */
export const agentRegistryTypes = {
  Register: [agent, { name: "signingKey", type: "bytes32" }, nonce, deadline],
  AddSigningKey: [agent, { name: "signingKey", type: "bytes32" }, nonce, deadline],
  RevokeSigningKey: [agent, { name: "signingKey", type: "bytes32" }, nonce, deadline],
  RotateSigningKey: [agent, { name: "oldKey", type: "bytes32" }, { name: "newKey", type: "bytes32" }, nonce, deadline],
  ChangeOwner: [agent, { name: "newOwner", type: "address" }, nonce, deadline],
  AcceptOwner: [agent, { name: "newOwner", type: "address" }, nonce, deadline],
  AddDelegate: [
    agent,
    { name: "delegateType", type: "bytes32" },
    { name: "delegate", type: "address" },
    { name: "validitySec", type: "uint256" },
    nonce,
    deadline,
  ],
  RevokeDelegate: [
    agent,
    { name: "delegateType", type: "bytes32" },
    { name: "delegate", type: "address" },
    nonce,
    deadline,
  ],
  SetAttribute: [
    agent,
    { name: "name", type: "bytes32" },
    { name: "value", type: "bytes" },
    { name: "validitySec", type: "uint256" },
    nonce,
    deadline,
  ],
  RevokeAttribute: [agent, { name: "name", type: "bytes32" }, { name: "value", type: "bytes" }, nonce, deadline],
  SetCard: [
    agent,
    { name: "uri", type: "string" },
    { name: "contentHash", type: "bytes32" },
    { name: "capabilities", type: "bytes32[]" },
    nonce,
    deadline,
  ],
  SetGuardians: [
    agent,
    { name: "guardians", type: "address[]" },
    { name: "threshold", type: "uint256" },
    { name: "delayBlocks", type: "uint256" },
    nonce,
    deadline,
  ],
  ApproveRecovery: [
    agent,
    { name: "guardian", type: "address" },
    { name: "newOwner", type: "address" },
    nonce,
    deadline,
  ],
  /** Signed by the next owner: the guardians' agreement alone makes nobody an owner. */
  ExecuteRecovery: [agent, { name: "newOwner", type: "address" }, nonce, deadline],
  VetoRecovery: [agent, nonce, deadline],
  Deactivate: [agent, { name: "successor", type: "address" }, nonce, deadline],
  /** Signed by the owner, and, as `digest >> 8`, the action that the zero-knowledge proof is bound to. */
  KeyOwnership: [
    agent,
    { name: "commitment", type: "uint256" },
    { name: "recipient", type: "address" },
    nonce,
    deadline,
  ],
} as const satisfies TypedDataTable;

export type AgentRegistryRequest = keyof typeof agentRegistryTypes;

/** @param registry address of the proxy */
export function agentRegistryDomain(chainId: bigint, registry: string): TypedDataDomain {
  return { name: "Affiant AgentRegistry", version: "2", chainId, verifyingContract: registry };
}
