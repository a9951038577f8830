/** The AccessManager's number of the attestation service's role. */
export const attestationServiceRole = 1n;

/** What the role may call on the AttestationRegistry; all else there is open to anyone, or the administrator's. */
export const attestationServiceFunctions = [
  "enrol(address,bytes32,address,uint8,(uint256,bytes))",
  "retire(address)",
  "openRound(bytes32)",
] as const;
