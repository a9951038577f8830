/** The AccessManager's number of the orchestrator's role. */
export const orchestratorRole = 2n;

/** What the role may call on the KeyEscrow; all else there is open to anyone who proves a right to it. */
export const orchestratorFunctions = [
  "createGroup(bytes32,bytes32,uint256)",
  "setPublisherKey(bytes32,bytes32)",
  "setGrace(bytes32,uint256)",
  "addMembers(bytes32,address[])",
  "removeMembers(bytes32,address[])",
  "publishEpoch(bytes32,uint256,bytes32,bytes32,address[])",
  "setTrustees(bytes32,address[],bytes32[],bytes32,bytes32,uint256,uint256)",
  "vetoRecovery(bytes32)",
] as const;
